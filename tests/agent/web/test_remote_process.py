"""`antiphon web` as it is started: over TLS with an own certificate, and found by its name in the network."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from zeroconf import Zeroconf

from agent.core.config import load
from agent.core.errors import UserError
from agent.core.paths import state_folder
from agent.web import server
from agent.web.tokens import Tokens
from tests.waiting import wait_for

NAME = "antiphon-test"


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    for given, says in (({"web.certificate": str(tmp_path / "cert.pem")}, "PEM files"), ({"web.key": "x"}, "set both")):
        with pytest.raises(UserError, match=says) as refused:
            server.run(load(None, {"web.port": free_port(), "paths.state": str(tmp_path), **given}), None)
        assert "\n" not in str(refused.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[int]:
    """The port of a remote on the whole network, over TLS; its files are in tmp_path."""
    subject = ["-subj", f"/CN={NAME}.local", "-addext", f"subjectAltName=DNS:{NAME}.local"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*make, *subject, *files], check=True, stderr=subprocess.DEVNULL)
    port = free_port()
    given = {
        "web.host": "0.0.0.0",
        "web.port": port,
        "web.name": NAME,
        "web.certificate": tmp_path / "cert.pem",
        "web.key": tmp_path / "key.pem",
        "paths.state": tmp_path / "state",
    }
    sets = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    mine = {**os.environ, "ANTIPHON_SOCKET": str(tmp_path / "control.sock")}
    web = subprocess.Popen([sys.executable, "-m", "agent", "web", "--no-code", *sets], env=mine)
    try:
        wait_for(lambda: answers(port), 60, "the page", 0.1)
        yield port
    finally:
        web.terminate()
        web.wait(20)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_over_tls_a_phone_pairs_and_watches_and_finds_the_page_by_its_name(secure: int, tmp_path: Path) -> None:
    trusts = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    raw = trusts.wrap_socket(socket.create_connection(("127.0.0.1", secure)), server_hostname=f"{NAME}.local")
    phone = http.client.HTTPSConnection(f"{NAME}.local", secure, context=trusts)
    phone.sock = raw
    code = Tokens(state_folder(str(tmp_path / "state"))).new_code()
    with contextlib.closing(phone):
        phone.request("POST", "/api/pair", json.dumps({"code": code, "name": "phone"}))
        answer = phone.getresponse()
        cookie = answer.headers["set-cookie"]
    assert answer.status == 200 and "Secure" in cookie and "HttpOnly" in cookie
    place = socket.create_connection(("127.0.0.1", secure))
    with connect(
        f"wss://{NAME}.local:{secure}/api/live",
        sock=place,
        ssl=trusts,
        additional_headers={"Cookie": cookie.split(";")[0]},
    ) as live:
        assert json.loads(live.recv(timeout=10)) == {"view": None}  # no session runs
    asks = Zeroconf()
    found = asks.get_service_info("_http._tcp.local.", f"{NAME}._http._tcp.local.", 5_000)
    asks.close()
    assert found is not None
    assert (found.server, found.port) == (f"{NAME}.local.", secure)
    assert found.addresses and not any(one.startswith(b"\x7f") for one in found.addresses)
