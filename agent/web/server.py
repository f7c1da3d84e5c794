"""Runs the remote's process: uvicorn serves the page, zeroconf tells its name, OSC listens where it is asked for."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

import uvicorn
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from agent.core.errors import UserError
from agent.core.os_process import set_nice
from agent.core.paths import FOLDER, data_folder, socket_path, state_folder
from agent.core.settings import Config
from agent.web.app import FRAME_MAX, Remote, make_app
from agent.web.osc import OscServer
from agent.web.recordings import Recordings
from agent.web.settings_file import SettingsFile
from agent.web.takes import Takes
from agent.web.tokens import Tokens

log = logging.getLogger(__name__)
NICE = 10
PING_S = 10.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def addresses(config: Config) -> list[str]:
    """Return the page's addresses, the nicest first."""
    web = config.web
    scheme = "https" if web.certificate else "http"
    hosts = ["127.0.0.1"] if is_loopback(web.host) else [f"{web.name}.local", *_own_addresses(web.host)]
    return [f"{scheme}://{host}:{web.port}/" for host in hosts]


def run(config: Config, config_file: Path | None) -> None:
    """Serve until interrupted. Raises UserError where the port or the certificate cannot be used."""
    tls = _tls(config)
    set_nice(NICE)
    web = config.web
    remote = Remote(
        socket_path(),
        Tokens(state_folder(config.paths.state)),
        Recordings(Path(config.paths.sessions)),
        Takes(data_folder() / FOLDER),
        SettingsFile(config_file),
    )
    app = make_app(remote, frozenset({f"{web.name}.local", web.host}), bool(web.certificate))
    with _bound(web.host, web.port) as listening:
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_max_size=2 * FRAME_MAX,
            ws_max_queue=8,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            limit_concurrency=64,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=16_384,
            **tls,
        )
        asyncio.run(_serve(uvicorn.Server(settings), listening, remote, config))


async def _serve(server: uvicorn.Server, listening: socket.socket, remote: Remote, config: Config) -> None:
    osc = await _open_osc(remote, config)
    announced = await _announce(config)
    try:
        await server.serve([listening])
    finally:
        if osc:
            osc.close()
        if announced:
            await announced.async_close()


async def _open_osc(remote: Remote, config: Config) -> asyncio.DatagramTransport | None:
    web = config.web
    if web.osc_port is None:
        return None
    allowed = frozenset(one.strip() for one in (web.osc_allowed or "").split(",") if one.strip())
    host = "0.0.0.0" if allowed else "127.0.0.1"
    made = OscServer(lambda text: remote.say(text, "OSC"), allowed)
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: made, local_addr=(host, web.osc_port)
        )
    except OSError as cause:
        raise UserError(f"OSC port {web.osc_port}: {cause.strerror or cause}; set web.osc_port to a free one") from None
    remote.watchers.append(made.show)
    return transport


async def _announce(config: Config) -> AsyncZeroconf | None:
    """Tell the network the page's name; a network without multicast is no trouble."""
    web = config.web
    if is_loopback(web.host):
        return None
    kind = "_http._tcp.local."
    known = [socket.inet_aton(one) for one in _own_addresses(web.host)]
    if not known:
        return None
    info = ServiceInfo(kind, f"{web.name}.{kind}", web.port, addresses=known, server=f"{web.name}.local.")
    try:
        zeroconf = AsyncZeroconf()
        await zeroconf.async_register_service(info, allow_name_change=True)
    except Exception as cause:  # of zeroconf or the system: the page is reached by its address
        log.info("%s.local is not announced: %s", web.name, cause)
        return None
    return zeroconf


def _own_addresses(host: str) -> list[str]:
    """Return this machine's IPv4 addresses at which `host` is reached from the network."""
    if host not in ("0.0.0.0", "::"):
        return [host] if _is_address(host) else []
    found = []
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks which address would be used
        found.append(probe.getsockname()[0])
    with suppress(OSError):
        found += [one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [one for one in dict.fromkeys(map(str, found)) if not is_loopback(one)]


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).version == 4
    return False


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except (OSError, OverflowError) as cause:
            why = getattr(cause, "strerror", None) or cause
            raise UserError(f"{host}:{port}: {why}; set web.host and web.port, or --host and --port") from None
        yield listening


class Tls(TypedDict, total=False):
    """uvicorn's settings for TLS."""

    ssl_certfile: str
    ssl_keyfile: str


def _tls(config: Config) -> Tls:
    """Return uvicorn's settings for TLS. Raises UserError for a certificate that cannot be used."""
    web = config.web
    if web.certificate is None:
        if web.key is not None:
            raise UserError("web.key is set and web.certificate is not; set both or neither")
        return {}
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(web.certificate, web.key)
    except (OSError, ssl.SSLError) as cause:
        raise UserError(f"web.certificate {web.certificate}: {cause}; give PEM files of certificate and key") from None
    if web.key:
        return {"ssl_certfile": web.certificate, "ssl_keyfile": web.key}
    return {"ssl_certfile": web.certificate}
