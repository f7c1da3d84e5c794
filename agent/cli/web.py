"""Runs `antiphon web`: the remote's page for a phone, and the pairing of phones."""

from __future__ import annotations

import argparse
import contextlib
import html
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from agent.core.whole_file import write_whole

if TYPE_CHECKING:
    from agent.cli.options import Commands
    from agent.core.settings import Config

SCREEN = "pair.html"  # in the state folder; the code in it counts once, for ten minutes
EXAMPLES = """examples:
  antiphon web                         serve the page to this machine, and say how to open it
  antiphon web --host 0.0.0.0          ... to the whole network; a phone must be paired
  antiphon web pair                    show a code, and a QR code, that pairs one phone within ten minutes
  antiphon web list                    list the paired phones
  antiphon web revoke NAME|ID|all      a phone no longer counts, from now on
With web.enabled the daemon serves the page itself.
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    from agent.cli.options import add_config

    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("web", help="a page for the phone on the stand", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("what", nargs="?", choices=("serve", "pair", "list", "revoke"), default="serve")
    parser.add_argument("device", nargs="?", metavar="NAME|ID|all", help="for revoke")
    parser.add_argument("--host", help="address to listen at (default: web.host)")
    parser.add_argument("--port", type=int, help="TCP port (default: web.port)")
    parser.add_argument("--no-code", action="store_true", help="serve without showing a pairing code")
    add_config(parser)
    parser.set_defaults(run=_web, private=True)


def _web(given: argparse.Namespace) -> int:
    from agent.cli.options import pairs
    from agent.core.config import load
    from agent.core.paths import state_folder

    if given.device and given.what != "revoke":
        raise UserError(f"unexpected {given.device!r}: only `revoke` takes a device")
    overrides = {"web.host": given.host, "web.port": given.port}
    config = load(given.config, pairs(given) | {key: value for key, value in overrides.items() if value is not None})
    folder = state_folder(config.paths.state)
    return {"serve": _serve, "pair": _pair, "list": _list, "revoke": _revoke}[given.what](config, folder, given)


def _serve(config: Config, folder: Path, given: argparse.Namespace) -> int:
    from agent.web import server
    from agent.web.tokens import Tokens

    if not given.no_code:
        _show_code(config, folder)
    elif not Tokens(folder).devices():  # of the daemon: its log is where a machine without a screen speaks
        print(f"antiphon: no device is paired with the remote yet; {_code_line(config, folder)[0]}", file=sys.stderr)
    server.run(config, given.config)
    return 0


def _pair(config: Config, folder: Path, _: argparse.Namespace) -> int:
    _show_code(config, folder)
    return 0


def _code_line(config: Config, folder: Path) -> tuple[str, str]:
    """Make a code; return what says so in one line, and the link that the QR code holds."""
    from agent.web.server import addresses
    from agent.web.tokens import CODE_S, Tokens

    code = Tokens(folder).new_code()
    link = f"{addresses(config)[-1]}#{code}"
    return f"the code {code[:4]}-{code[4:]} pairs one device within {CODE_S / 60:.0f} minutes, or open {link}", link


def _show_code(config: Config, folder: Path) -> None:
    """Print the page's addresses and a code; as a QR code, too, on a terminal, and with a display on the screen."""
    import segno

    from agent.web.server import addresses, is_loopback

    says, link = _code_line(config, folder)
    if not is_loopback(config.web.host):
        code = segno.make(link, error="l")
        if sys.stdout.isatty():
            code.terminal(compact=True)
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            _show_on_screen(code.svg_inline(scale=12), says, folder)
    print(f"the remote is at {' or '.join(addresses(config))}")
    print(says)
    if is_loopback(config.web.host):
        print("only this machine can reach it; a phone can with --host 0.0.0.0, or web.host in config.yaml")


def _show_on_screen(code: str, says: str, folder: Path) -> None:
    """Open a page with the QR code in this machine's browser; where that fails the terminal has it all."""
    import webbrowser

    path = folder / SCREEN
    body = f"<body style='background:#fff;text-align:center;font:2rem sans-serif'>{code}<p>{html.escape(says)}"
    with contextlib.suppress(OSError, webbrowser.Error):
        write_whole(path, f"<!doctype html><title>Antiphon</title>{body}".encode(), mode=0o600)
        webbrowser.open(path.as_uri())


def _list(_: Config, folder: Path, __: argparse.Namespace) -> int:
    from agent.web.tokens import Tokens

    devices = Tokens(folder).devices()
    for one in devices:
        made, seen = (datetime.fromtimestamp(at_s).strftime("%Y-%m-%d %H:%M") for at_s in (one.made_s, one.seen_s))
        print(f"{one.id}  {one.name:24} paired {made}  seen {seen}")
    if not devices:
        print("No device is paired; `antiphon web pair` shows a code for one.")
    return 0


def _revoke(_: Config, folder: Path, given: argparse.Namespace) -> int:
    from agent.web.tokens import Tokens

    if not given.device:
        raise UserError("which device? give a name or id that `antiphon web list` shows, or all")
    gone = Tokens(folder).revoke(given.device)
    if not gone:
        raise UserError(f"no paired device {given.device!r}; `antiphon web list` shows all")
    for one in gone:
        print(f"revoked {one.id}  {one.name}")
    return 0
