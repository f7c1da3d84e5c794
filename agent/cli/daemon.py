"""Runs `antiphon daemon`, and `antiphon service`, which installs it as a systemd service."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.cli.options import Commands


DAEMON_EXAMPLES = """examples:
  antiphon daemon --midi "My Synth"               play without a terminal; control it with `antiphon ctl`
  antiphon daemon --log-json 2>> antiphon.log     log each fact as a line of JSON
SIGTERM or `antiphon ctl stop` ends it; after a crash it resumes the same session.
"""


def add(commands: Commands) -> None:
    """Add both commands to argparse's subparsers."""
    from agent.cli.jam import add_playing

    raw = argparse.RawDescriptionHelpFormatter
    daemon = commands.add_parser(
        "daemon", help="play in the background, without a terminal", epilog=DAEMON_EXAMPLES, formatter_class=raw
    )
    add_playing(daemon)
    daemon.add_argument("--log-json", action="store_true", help="log each line as a JSON object")
    daemon.set_defaults(run=_daemon, private=True)

    service = commands.add_parser("service", help="install, remove or check the daemon as a systemd user service")
    service.add_argument("action", choices=("install", "uninstall", "status"))
    service.set_defaults(run=_service)


def _daemon(given: argparse.Namespace) -> int:
    from agent.audio import device_list
    from agent.cli.jam import check_out, settings
    from agent.core.fork_client import share_imports
    from agent.memory.player_profile import with_player_adapter, without_player
    from agent.session import setup, structured_log
    from agent.session.daemon import Daemon
    from agent.web.remote_process import RemoteProcess

    share_imports()
    config, take = settings(given)
    config = (without_player if take else with_player_adapter)(config)
    check_out(given.out)
    structured_log.set_up(config.log.level if config.log.level == "debug" else "info", given.log_json)

    def find() -> setup.Setup:
        found = setup.choose(config, take, waits=True)
        device_list.release()
        return found

    remote = RemoteProcess(given.config, given.set) if config.web.enabled else None
    return Daemon(config, find, given.out, lambda: settings(given), remote).run()


def _service(given: argparse.Namespace) -> int:
    from agent.session import systemd as service

    return service.run(given.action)
