"""A time-stamping authority (RFC 3161): its token over the bytes of a note proves that the note existed by then.

The authority keeps nothing, so note and token lie in a folder of ours: best on another mount. Its certificate chain is
checked against a file of trusted certificates, for the time in the token.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field

from compliance.anchors import files
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import KEEP, NAME, head, named, same
from compliance.schemas.errors import Absent, Denied, Malformed, RateLimited, SourceError, TimedOut, Unreachable

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse
    from rfc3161_client.tsp import TimeStampRequest

_LARGEST = 1 << 20  # bytes of an answer; tokens have some thousand
_AHEAD = timedelta(minutes=5)  # a token from further in the future shows that a clock is wrong
SUFFIX = ".tsr"


class TsaSettings(AnchorSettings):
    """An authority and whom to trust for it."""

    url: str = Field(pattern=r"^https?://[^\s@]+$", description="Where requests are posted.")
    ca: Path = Field(description="PEM file with the certificates that its chain must end in.")
    folder: Path | None = Field(default=None, description="Where notes and tokens are kept; a state folder by default.")


class Tsa(Anchor):
    """An authority and the folder with its tokens."""

    name: ClassVar[str] = "tsa"
    Settings: ClassVar[type[AnchorSettings]] = TsaSettings

    def __init__(self, url: str, ca: Path, folder: Path, timeout_s: int, *, own: bool = False) -> None:
        """`own`: the folder is the engine's, made on first use; any other must exist, so that a mount is missed."""
        self.url, self.ca, self.folder, self.timeout_s, self._own = url, ca, folder, timeout_s, own

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The authority named in the settings."""
        assert isinstance(settings, TsaSettings)
        folder = place.path(settings.folder) if settings.folder else place.state / "tokens"
        return cls(settings.url, place.path(settings.ca), folder, settings.timeout_s, own=settings.folder is None)

    @property
    def where(self) -> str:
        """The address, and where tokens are kept."""
        return f"{self.url} (tokens in {self.folder})"

    def put(self, note: str) -> None:
        """Get a token over the note, check it, keep it, then keep the note: a note counts once its token is there."""
        name = head(note).name
        trusted = self._trusted()
        with files.answering(self.folder):
            if self._own:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            token, copy = self.folder / (name + SUFFIX), self.folder / name
            if copy.exists():
                same(files.read_small(copy), note, str(copy))
                _checked(files.read_small(token), copy.read_bytes(), trusted, None)
                return
            if token.exists():  # a crash came between the two files
                _checked(files.read_small(token), note.encode(), trusted, None)
            else:
                files.write_new(token, self._stamp(note.encode(), trusted))
            files.write_new(copy, note.encode())

    def notes(self) -> Held:
        """Every note with its token; `at` is the time that the authority signed."""
        kept: list[Kept] = []
        bad: list[Unread] = []
        trusted = self._trusted()
        if self._own and not self.folder.exists():
            return Held()
        with files.answering(self.folder):
            names = {entry.name.removesuffix(SUFFIX) for entry in self.folder.iterdir()}
        for name in sorted(filter(NAME.fullmatch, names)):
            path = self.folder / name
            try:
                note = named(files.read_small(path), name)
                token = files.read_small(self.folder / (name + SUFFIX))
                at = _checked(token, note.encode(), trusted, None)
                kept.append(Kept(str(path), note, at, token))
            except (SourceError, OSError) as error:
                bad.append(files.unread(str(path), error))
        return Held(tuple(kept), tuple(bad))

    def same_machine(self, device: int | None) -> str | None:
        """The authority keeps no copy: what counts is where the tokens lie."""
        return files.shared(self.folder, device, f"the folder of its tokens, {self.folder},")

    def _trusted(self) -> list[Certificate]:
        from cryptography import x509

        with files.answering(self.ca):
            content = self.ca.read_bytes()
        try:
            return x509.load_pem_x509_certificates(content)
        except ValueError as error:
            raise Malformed(f"{self.ca} holds no certificates in PEM form", remedy="give the authority's CA") from error

    def _stamp(self, note: bytes, trusted: list[Certificate]) -> bytes:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        asked = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)  # every authority knows it
        request = asked.nonce(nonce=True).cert_request(cert_request=True).build()
        answer = self._post(request.as_bytes())
        at = _checked(answer, note, trusted, request)
        if at > datetime.now(UTC) + _AHEAD:
            raise Malformed(
                f"{self.url} stamps {at:%Y-%m-%d %H:%M:%S} UTC, which lies in the future",
                remedy="compare this machine's clock with a time server; if it is right, change the authority",
            )
        return answer

    def _post(self, body: bytes) -> bytes:
        import httpx

        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            with httpx.Client(timeout=self.timeout_s, follow_redirects=False, trust_env=False) as client:
                answer = client.post(self.url, content=body, headers=headers)
        except httpx.TimeoutException as error:
            raise TimedOut(
                f"{self.url} did not answer within {self.timeout_s} s", remedy="raise timeout_s, or wait"
            ) from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url}: {error}", remedy="open the way to it, or correct url") from error
        if answer.status_code != 200:
            raise _status(self.url, answer.status_code)
        if len(answer.content) > _LARGEST:
            raise Malformed(f"{self.url} answered with {len(answer.content)} bytes", remedy="correct url")
        return answer.content


def _status(url: str, code: int) -> SourceError:
    said = f"{url} answered with HTTP status {code}"
    if code in (401, 403):
        return Denied(said, remedy="ask the authority for access from this address")
    if code == 404:
        return Absent(said, remedy="correct url")
    if code == 429:
        return RateLimited(said, remedy='stamp less often: every = "1h"')
    return Unreachable(said, remedy="wait, or ask the authority")


def _checked(answer: bytes, note: bytes, trusted: list[Certificate], request: TimeStampRequest | None) -> datetime:
    """The time in a token over `note`. Raises Malformed when it is none, covers other bytes, or is not trusted."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response: TimeStampResponse = decode_timestamp_response(answer)
        if response.status != 0:  # granted as asked
            said = "; ".join(response.status_string) or f"status {response.status}"
            raise Denied(f"the authority refused: {said}", remedy="ask the authority; it wants another form of request")
        builder = VerifierBuilder.from_request(request) if request is not None else VerifierBuilder()
        for certificate in dict.fromkeys(trusted):
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, note)
        return response.tst_info.gen_time
    except VerificationError as error:
        raise Malformed(f"the time stamp does not hold: {error}", remedy=_CHAIN if request else KEEP) from error
    except ValueError as error:
        raise Malformed(f"this is no time stamp: {error}", remedy="correct url" if request else KEEP) from error


_CHAIN = "check ca, and ask the authority: its certificate may be over, or the answer was changed on its way"
