"""The control socket answers its owner, refuses strangers, and no client can stall the session."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.control.socket_server import CLIENTS_MAX, LINE_BYTES, Answer, ControlServer, ask, others
from agent.core.errors import UserError
from agent.core.paths import socket_path
from tests.waiting import wait_for


def handler(text: str) -> Answer:
    if text == "mode polka":
        raise UserError("mode 'polka' is not allowed")
    return f"did {text}", ({"bar": 3} if text == "status" else None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "antiphon" / "control.sock"


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    made = ControlServer(path)
    yield made
    made.close()


def client(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.connect(str(path))
    made.settimeout(2.0)
    return made


def said(server: ControlServer, one: socket.socket, data: bytes) -> dict[str, object]:
    one.sendall(data)
    server.poll(handler)
    answer: dict[str, object] = json.loads(one.recv(1 << 16))
    return answer


def test_a_line_is_answered(server: ControlServer, path: Path) -> None:
    with client(path) as one:
        assert said(server, one, b'{"say": "mode loop"}\n') == {"ok": True, "says": "did mode loop"}
        assert said(server, one, b'{"say": "status"}\n') == {"ok": True, "says": "did status", "status": {"bar": 3}}
        assert said(server, one, b'{"say": "mode polka"}\n') == {"ok": False, "says": "mode 'polka' is not allowed"}


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"[1]", b'"say"', b'{"say": 3}', b"{}", b"\xff\xfe", b"null", b'{"say": "\\ud800"}', b"[" * 3000],
)
def test_nonsense_is_refused_in_words_and_the_client_may_go_on(server: ControlServer, path: Path, line: bytes) -> None:
    with client(path) as one:
        answer = said(server, one, line + b"\n")
        assert not answer["ok"]
        assert "JSON" in str(answer["says"])
        assert said(server, one, b'{"say": "panic"}\n')["ok"]


def test_a_line_may_come_in_pieces_and_two_at_once(server: ControlServer, path: Path) -> None:
    with client(path) as one:
        one.sendall(b'{"say": "mode')
        server.poll(handler)
        one.sendall(b' loop"}\n{"say": "panic"}\n')
        server.poll(handler)
        answers = one.recv(1 << 16).splitlines()
        assert [json.loads(answer)["says"] for answer in answers] == ["did mode loop", "did panic"]


def test_only_the_owner_can_open_it(server: ControlServer, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebodys_own_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ControlServer(tmp_path / "c.sock").close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_dead_daemons_socket_is_replaced_and_a_living_ones_is_not(path: Path) -> None:
    first = ControlServer(path)
    with pytest.raises(UserError, match="antiphon ctl stop"):
        ControlServer(path)
    first._socket.close()  # as kill -9 does: the file stays, the lock goes
    first._give_back()
    second = ControlServer(path)
    first.close()
    assert path.exists(), "what belongs to another stays"
    second.close()
    assert not path.exists()


def test_what_is_no_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(UserError, match="in the way"):
        ControlServer(path)
    assert path.read_text() == "mine"


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ANTIPHON_SOCKET"):
        ControlServer(tmp_path / ("x" * 120))


def test_an_endless_line_costs_its_sender_the_connection(server: ControlServer, path: Path) -> None:
    with client(path) as one:
        one.sendall(b"x" * (3 * LINE_BYTES))
        for _ in range(4):
            server.poll(handler)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            one.sendall(b"x" * LINE_BYTES)
        with client(path) as other:
            assert said(server, other, b'{"say": "panic"}\n')["ok"]


def test_one_that_never_reads_is_dropped_and_memory_is_bounded(server: ControlServer, path: Path) -> None:
    with client(path) as mad:
        mad.setblocking(False)
        for _ in range(20_000):
            try:
                mad.send(b'{"say": "status"}\n' * 8)
            except BlockingIOError:
                pass
            except OSError:
                break
            server.poll(handler)
        assert server.connected == 0


def test_more_clients_than_allowed_push_out_the_oldest(server: ControlServer, path: Path) -> None:
    idle = [client(path) for _ in range(CLIENTS_MAX)]
    for _ in range(3):
        server.poll(handler)
    with client(path) as one:
        assert said(server, one, b'{"say": "panic"}\n')["ok"]
    assert server.connected <= CLIENTS_MAX
    for one in idle:
        one.close()


def test_a_turn_without_news_is_cheap_and_waits_for_nobody(server: ControlServer, path: Path) -> None:
    with client(path) as silent:
        silent.sendall(b'{"say": "half a line')
        began_s = time.process_time()
        for _ in range(1_000):
            server.poll(handler)
        assert time.process_time() - began_s < 1.0


@pytest.fixture
def served(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANTIPHON_SOCKET", str(path))
    server, done = ControlServer(path), threading.Event()

    def turns() -> None:
        while not done.wait(0.005):
            server.poll(handler)

    thread = threading.Thread(target=turns)
    thread.start()
    yield
    done.set()
    thread.join()
    server.close()


def test_ctl_says_the_answer_and_its_exit_code(served: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ctl", "mode", "loop"]) == 0
    assert capsys.readouterr().out == "did mode loop\n"
    assert main(["ctl", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "says": "did status", "status": {"bar": 3}}


def test_ctl_knows_a_mistake_before_it_asks(served: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ctl", "mode", "polka"]) == 2
    assert "accompany" in capsys.readouterr().err
    assert main(["ctl", "mut"]) == 2
    assert "unknown command 'mut'; did you mean 'mute'? (`help` lists all)" in capsys.readouterr().err


def test_ctl_without_a_session_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTIPHON_SOCKET", str(path))
    assert main(["ctl", "status"]) == 2
    assert "antiphon daemon" in capsys.readouterr().err


def test_one_that_does_not_answer_is_not_waited_for_for_ever(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        with pytest.raises(UserError, match="did not answer"):
            ask(path, "status", timeout_s=0.1)
    os.unlink(path)


def test_a_command_that_breaks_is_answered_and_ends_nothing(server: ControlServer, path: Path) -> None:
    def broken(text: str) -> Answer:
        raise ZeroDivisionError

    with client(path) as one:
        one.sendall(b'{"say": "idea"}\n')
        server.poll(broken)
        answer = json.loads(one.recv(1 << 16))
        assert not answer["ok"]
        assert "ZeroDivisionError" in answer["says"]
        assert said(server, one, b'{"say": "panic"}\n')["ok"]


def test_an_answer_that_takes_a_while_is_waited_for_and_holds_up_nobody_else(server: ControlServer, path: Path) -> None:
    drawn: list[str] = []

    def slow(text: str) -> Answer:
        return (lambda: drawn[0] if drawn else None) if text == "say faster" else f"did {text}", None

    with client(path) as one, client(path) as other:
        one.sendall(b'{"say": "say faster"}\n{"say": "panic"}\n')
        server.poll(slow)
        assert said(server, other, b'{"say": "panic"}\n')["ok"]
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.recv(1)
        drawn.append("from the next bar on")
        server.poll(slow)
        answers = [json.loads(line)["says"] for line in one.recv(1 << 16).splitlines()]
        assert answers == ["from the next bar on", "did panic"]


STARTS = """
import sys
from pathlib import Path
from agent.control.socket_server import ControlServer
from agent.core.errors import UserError
sys.stdin.readline()
try:
    ControlServer(Path(sys.argv[1]))
    print("mine", flush=True)
    sys.stdin.readline()
except UserError as cause:
    print("already" if "running already" in str(cause) else cause, flush=True)
"""


def test_of_many_that_start_at_once_on_a_stale_socket_one_gets_it(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    command = [sys.executable, "-c", STARTS, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, cwd=Path(__file__).parents[3], **pipes) for _ in range(12)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = sorted(child.stdout.readline().strip() for child in children)
    for child in children:
        child.communicate("end\n")
    assert said == ["already"] * 11 + ["mine"]


def test_a_hundred_clients_at_once_are_answered(server: ControlServer, path: Path) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(path, "status")["ok"])) for _ in range(100)]
    for thread in threads:
        thread.start()

    def answered() -> bool:
        server.poll(handler)
        return len(answers) == 100

    wait_for(answered, 20, "a hundred answers")
    for thread in threads:
        thread.join()
    assert answers == [True] * 100


def test_a_second_session_has_a_name_of_its_own(server: ControlServer, path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ANTIPHON_SOCKET", str(path))
    second = ControlServer(socket_path("4711"))
    assert others(path) == ["4711"]
    stop = threading.Event()

    def serve() -> None:
        while not stop.wait(0.01):
            second.poll(handler)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert main(["ctl", "--session", "4711", "status"]) == 0
        assert main(["ctl", "--session", "../x", "status"]) == 2
    finally:
        stop.set()
        thread.join()
        second.close()
    assert others(path) == []


def test_modes_behind_a_link_are_not_changed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "elsewhere").chmod(0o755)
    (tmp_path / "antiphon").symlink_to(tmp_path / "elsewhere")
    ControlServer(tmp_path / "antiphon" / "control.sock").close()
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755
