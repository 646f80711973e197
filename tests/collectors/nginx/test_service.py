"""Versions, process titles and the status page, on texts as nginx writes them."""

from __future__ import annotations

import pytest

from compliance.collectors.nginx.service import config_of, rows_build, rows_status
from compliance.schemas.errors import Malformed

STATUS = "Active connections: 3 \nserver accepts handled requests\n 10 9 25 \nReading: 0 Writing: 1 Waiting: 2 \n"


def test_status_page() -> None:
    assert rows_status(STATUS, "u")["requests"] == 25
    assert rows_status(STATUS, "u")["active"] == 3


def test_other_page_is_malformed() -> None:
    with pytest.raises(Malformed, match="http://x"):
        rows_status("<html>hello</html>", "http://x")


def test_build() -> None:
    build = rows_build("nginx version: nginx/1.22.1\nconfigure arguments: --conf-path=/opt/n/nginx.conf --with-x\n")

    assert (build.product, build.version, build.default_config) == ("nginx", "1.22.1", "/opt/n/nginx.conf")
    assert rows_build("command not found").version is None


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("nginx: master process /usr/sbin/nginx -g daemon off;", "/etc/nginx/nginx.conf"),
        ("nginx: master process nginx -c /a/b.conf -p /a", "/a/b.conf"),
        ("nginx: master process nginx -p /a/ -c conf/n.conf", "/a/conf/n.conf"),
    ],
)
def test_configuration_of_a_master(title: str, path: str) -> None:
    assert config_of(title, "/etc/nginx/nginx.conf") == path
