"""The daemon: waits for its interface, tells systemd, obeys, resumes after kill -9;
the service as a user installs it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.__main__ import main
from agent.control.socket_server import ControlServer, ask
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.session import systemd as service
from agent.session.daemon import Daemon
from agent.session.resume import LastSession
from agent.session.setup import Setup
from agent.session.structured_log import FACTS, Formatter
from agent.session.systemd import Notifier
from tests.waiting import wait_for

ROOT = Path(__file__).parents[3]


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run" / "c.sock"
    monkeypatch.setenv("ANTIPHON_SOCKET", str(path))
    return path


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What was told to the socket that systemd would listen to."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        thread = threading.Thread(target=_listen, args=(listening, told))
        thread.start()
        yield lambda: list(told)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"over", str(path))
        thread.join()


def _listen(listening: socket.socket, told: list[str]) -> None:
    while (datagram := listening.recv(4_096)) != b"over":
        told += datagram.decode().split("\n")


def a_card() -> Setup:
    return Setup(48_000, None, 1, None, 0, None, None, "a card")


def nothing_plugged_in() -> Setup:
    raise UserError("no microphone 'USB'")


def test_it_waits_for_its_interface_answers_meanwhile_and_stops_when_told(
    control: Path, systemd: Callable[[], list[str]], tmp_path: Path
) -> None:
    config = load(None, {"paths.sessions": str(tmp_path / "s"), "paths.state": str(tmp_path / "state")})
    answers: list[dict[str, Any]] = []

    def talk() -> None:
        answers.extend(ask(control, text) for text in ("status", "mode loop", "nonsense"))
        wait_for(lambda: systemd().count("WATCHDOG=1") >= 2)
        answers.append(ask(control, "stop"))

    daemon = Daemon(config, nothing_plugged_in, None)
    person = threading.Thread(target=talk)
    person.start()
    assert daemon.run() == 0
    person.join()
    status, mode, nonsense, stop = answers
    assert status["status"] == {"listening": False, "waits_for": "no microphone 'USB'"}
    assert "no microphone" in mode["says"] and not mode["ok"]
    assert "help" in nonsense["says"] and not nonsense["ok"]
    assert stop["ok"]
    told = until(lambda: systemd() if "STOPPING=1" in systemd() else None)
    assert told[0] == "READY=1"
    assert "STATUS=waiting: no microphone 'USB'" in told
    assert told.count("WATCHDOG=1") >= 2
    assert told[-1] == "STOPPING=1"
    assert not control.exists()


class Mending:
    """A session whose mind is restarted, seen by the daemon in its turn. lasts: what happens in it."""

    listening = ending = False
    lasts: Callable[[Callable[[], object]], None]

    def __init__(self, *given: Any, on_turn: Callable[[Mending], None], **_: Any) -> None:
        self.folder, self.dispatcher, self.workers, self.figures = given[2], self, self, self
        self.state, self.on_turn = self, on_turn
        self.restarts = {"model": 7}

    def run(self) -> tuple[str, ...]:
        type(self).lasts(lambda: self.on_turn(self))
        return ()

    def lines(self) -> list[str]:
        return []

    def serve(self, server: ControlServer) -> None:
        server.poll(lambda text: (text, None))

    def as_dict(self) -> dict[str, Any]:
        return {}


def test_systemd_ends_no_session_that_mends_itself_but_one_that_cannot(
    control: Path, systemd: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fed() -> int:
        return systemd().count("WATCHDOG=1")

    def lasts(turn: Callable[[], object]) -> None:
        for times in (1, 2, 3):  # the sound goes on meanwhile
            wait_for(lambda times=times: turn() or fed() >= times)
        monkeypatch.setattr("agent.session.daemon.WORKERS_DOWN_S", 0.0)  # in vain
        before = fed()
        for _ in range(20):
            turn()
            time.sleep(0.01)  # four times as long as systemd waits for its word
        assert fed() == before
        ended.append(True)

    ended: list[bool] = []
    monkeypatch.setattr(Mending, "lasts", staticmethod(lasts), raising=False)
    monkeypatch.setattr("agent.session.daemon.Live", Mending)
    config = load(None, {"paths.sessions": str(tmp_path / "s"), "paths.state": str(tmp_path / "state")})
    assert Daemon(config, a_card, None).run() == 0
    assert ended


def test_tries_in_vain_leave_no_folders(control: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link_is_missing(*_: Any, **__: Any) -> None:
        raise UserError("Link is not installed")

    monkeypatch.setattr("agent.session.daemon.Live", link_is_missing)
    monkeypatch.setattr("agent.session.daemon.AGAIN_S", (0.01, 0.01))
    config = load(None, {"paths.sessions": str(tmp_path / "s"), "paths.state": str(tmp_path / "state")})
    tries: list[int] = []

    def found() -> Setup:
        tries.append(1)
        if len(tries) == 4:
            signal.raise_signal(signal.SIGTERM)
        return a_card()

    assert Daemon(config, found, None).run() == 0
    assert len(tries) == 4
    assert list((tmp_path / "s").iterdir()) == []


def test_a_second_daemon_is_refused(control: Path, tmp_path: Path) -> None:
    config = load(None, {"paths.state": str(tmp_path)})
    first = Daemon(config, nothing_plugged_in, None)
    with pytest.raises(UserError, match="is running"):
        Daemon(config, nothing_plugged_in, None)
    person = threading.Thread(target=ask, args=(control, "stop"))
    person.start()
    assert first.run() == 0
    person.join()


def test_an_abstract_notify_socket_is_reached_and_none_is_no_trouble() -> None:
    name = f"antiphon-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(1)
        notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
        notifier.say("READY=1", "STATUS=here")
        assert listening.recv(100) == b"READY=1\nSTATUS=here"
        notifier.close()
    for environment in ({}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"WATCHDOG_USEC": "soon"}):
        silent = Notifier(environment)
        silent.say("READY=1")
        silent.feed()
        silent.close()


def test_another_processs_watchdog_is_not_fed() -> None:
    name = f"antiphon-watchdog-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.setblocking(False)
        for pid, said in ((1, None), (os.getpid(), b"WATCHDOG=1")):
            notifier = Notifier({"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(pid)})
            notifier.feed()
            notifier.close()
            if said is None:
                with pytest.raises(BlockingIOError):
                    listening.recv(100)
            else:
                assert listening.recv(100) == said


def logged(as_json: bool, journal: bool, **facts: Any) -> str:
    record = logging.LogRecord("agent", logging.WARNING, "", 0, "lost", (), None)
    setattr(record, FACTS, facts)
    return Formatter(as_json, journal).format(record)


def test_logs_are_one_line_per_fact_in_both_forms() -> None:
    assert logged(False, False, card="USB", late=3) == "level=warning event=lost card=USB late=3"
    assert logged(False, True, cause="two\nlines") == '<4>level=warning event=lost cause="two\\nlines"'
    told = json.loads(logged(True, False, folder=Path("/x"), share=0.5))
    assert (told["level"], told["event"], told["folder"], told["share"]) == ("warning", "lost", "/x", 0.5)


def test_only_a_recent_session_of_a_dead_daemon_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = LastSession(tmp_path)
    assert last.broken() is None
    last.write(tmp_path / "s1", ["mode trade", "mute drums"])
    found = LastSession(tmp_path).broken()
    assert found and (found.folder, found.commands) == (tmp_path / "s1", ("mode trade", "mute drums"))
    mine, whole = tmp_path / "session.json", (tmp_path / "session.json").read_text()
    with subprocess.Popen(["sh", "-c", "sleep 60; : antiphon"]) as other:
        mine.write_text(json.dumps(json.loads(whole) | {"pid": other.pid}))
        try:
            wait_for(lambda: LastSession(tmp_path).broken() is None)  # the kernel names it a moment after its start
        finally:
            other.kill()
    assert LastSession(tmp_path).broken()
    monkeypatch.setattr(time, "clock_gettime", lambda _: 1e9)
    assert LastSession(tmp_path).broken() is None, "long ago"
    monkeypatch.undo()
    last.write(tmp_path / "s1", [], ended=True)
    assert LastSession(tmp_path).broken() is None
    (tmp_path / "session.json").write_text("{broken")
    assert LastSession(tmp_path).broken() is None


def test_a_clock_step_of_an_hour_does_not_hide_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LastSession(tmp_path).write(tmp_path / "s1", [])
    for step_s in (-3600, 3600):
        now_s = time.time() + step_s
        monkeypatch.setattr(time, "time", lambda now_s=now_s: now_s)
        assert LastSession(tmp_path).broken()


# -- the service ----------------------------------------------------------------------------------------------

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$2" in
  is-system-running) echo running;;
  is-enabled) echo enabled;;
  is-active) echo {active};;
esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    (tmp_path / "bin").mkdir()
    return tmp_path


def with_systemctl(home: Path, active: str = "active") -> Path:
    fake = home / "bin" / "systemctl"
    fake.write_text(SYSTEMCTL.format(log=home / "log", active=active))
    fake.chmod(0o755)
    return home / "log"


def test_install_writes_the_unit_and_starts_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = with_systemctl(home)
    assert main(["service", "install"]) == 0
    unit = (home / "config/systemd/user/antiphon.service").read_text()
    assert f"ExecStart={sys.executable} -m agent daemon" in unit
    assert "@PYTHON@" not in unit and "@FOLDER@" not in unit
    assert f"WorkingDirectory={home / 'data' / 'antiphon'}" in unit, "recordings are data, not settings"
    assert "ExecStopPost=-" in unit and "agent silence" in unit
    for line in ("Type=notify", "WatchdogSec=", "Restart=always", "RestartSec=0.5", "LimitRTPRIO=", "LimitMEMLOCK="):
        assert line in unit
    said = log.read_text()
    assert "--user daemon-reload" in said and "--user enable antiphon.service" in said and "restart" in said
    assert main(["service", "status"]) == 0
    said = capsys.readouterr().out
    assert "running: active" in said and "enable-linger" in said
    assert main(["service", "uninstall"]) == 0
    assert "disable --now antiphon.service" in log.read_text()
    assert not (home / "config/systemd/user/antiphon.service").exists()


def test_a_service_that_is_not_running_is_exit_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service", "status"]) == 1
    assert "service install" in capsys.readouterr().out
    with_systemctl(home, "failed")
    main(["service", "install"])
    assert main(["service", "status"]) == 1
    assert "failed" in capsys.readouterr().out


def test_without_systemd_it_says_what_to_do_instead(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service", "install"]) == 1
    assert "antiphon daemon" in capsys.readouterr().out
    assert main(["service", "uninstall"]) == 0
    assert main(["service", "uninstall"]) == 0


def test_paths_are_escaped_as_systemd_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/home/a b/50%/x")
    assert "/home/a\\x20b/50%%/x/antiphon" in service.unit_text()


# -- with real workers ----------------------------------------------------------------------------------------


def until(done: Callable[[], Any], limit_s: float = 60.0) -> Any:
    return wait_for(done, limit_s, every_s=0.05)


def status(control: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = ask(control, "status").get("status", {})
    except UserError:
        return {}
    return found


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.slow
def test_after_kill_9_the_workers_end_and_the_next_daemon_resumes(
    control: Path, systemd: Callable[[], list[str]], tmp_path: Path
) -> None:
    settings = [f"paths.sessions={tmp_path / 's'}", f"paths.state={tmp_path / 'state'}"]
    command = [sys.executable, "-m", "agent", "daemon", "--input", str(shipped("take.flac")), "--no-audio"]
    command += [word for pair in settings for word in ("--set", pair)]
    first = subprocess.Popen(command, cwd=ROOT)
    until(lambda: status(control).get("listening"))
    assert "READY=1" in systemd()
    assert ask(control, "mute drums")["ok"] and ask(control, "mode listen")["ok"]
    until(lambda: "mute drums" in status(control)["told"])
    time.sleep(1.0)
    workers = [*children(first.pid), *status(control)["pids"].values()]
    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: not any(map(lives, workers)), 3.0)
    second = subprocess.Popen(command, cwd=ROOT)
    resumed = until(lambda: status(control).get("listening") and status(control))
    assert resumed["told"] == ["mode listen", "mute drums"]
    old, new = sorted((tmp_path / "s").iterdir())
    until((old / "pianoroll.png").exists)
    assert json.loads((new / "events.jsonl").read_text().splitlines()[0])["continues"] == old.name
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    assert "STOPPING=1" in systemd()


@pytest.mark.slow
def test_either_worker_may_be_killed_or_stopped_and_the_session_goes_on(control: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    command = [sys.executable, "-m", "agent", "jam", "--input", str(shipped("take.flac")), "--no-audio", "--quiet"]
    jam = subprocess.Popen([*command, "--out", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL)
    until(lambda: status(control).get("state") == "playing")
    for number, name in ((signal.SIGKILL, "audio"), (signal.SIGKILL, "model"), (signal.SIGSTOP, "audio")):
        before, pid = status(control)["restarts"][name], status(control)["pids"][name]
        os.kill(pid, number)
        until(lambda name=name, before=before: status(control)["restarts"][name] > before, 3.0)
        until(lambda: status(control)["listening"], 30.0)
        time.sleep(1.0)
    assert ask(control, "stop")["ok"]
    assert jam.wait(20) == 1
    lines = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    (summary,) = (line for line in lines if line["type"] == "summary")
    assert (summary["audio_starts"], summary["mind_starts"]) == (3, 2)
    sent = [line for line in lines if line["type"] == "sent"]
    assert len({round(line["due_s"]) for line in sent}) > 3
