"""Fork servers are forked from what their session has imported, and outlive nobody."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")

SESSION = """
import sys, time, json
import colorsys  # what it has imported, and nothing else here
from agent.core import fork_client
from agent.core.fork_server import Call
fork_client.share_imports()
server = fork_client.ForkServer("test-server", Call("time", "sleep", (0.1,)))

def ended(call):
    worker = server.spawn(call, "test-worker")
    worker.join(20)
    return worker.exitcode

knows = Call("builtins", "exec", ("import sys; assert 'colorsys' in sys.modules",))
print(ended(knows), flush=True)
input()
server.kill_fork_server()
time.sleep(2.1)  # the least time between two starts of a fork server
print(ended(Call("builtins", "exec", ("import sys; assert 'colorsys' not in sys.modules",))), flush=True)
time.sleep(60)
"""


@pytest.fixture
def session():
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_a_worker_has_what_the_session_imported_and_is_there_without_it_too(session: subprocess.Popen[str]) -> None:
    names = lambda: {child.name() for child in psutil.Process(session.pid).children(recursive=True)}  # noqa: E731
    assert session.stdout and session.stdout.readline() == "0\n"
    assert "test-server" in names()
    assert session.stdin
    session.stdin.write("\n")
    session.stdin.flush()
    assert session.stdout.readline() == "0\n"  # after it died: from an interpreter of its own


def test_when_the_session_is_killed_its_servers_end(session: subprocess.Popen[str]) -> None:
    assert session.stdout and session.stdout.readline() == "0\n"
    left = psutil.Process(session.pid).children(recursive=True)
    session.kill()
    wait_for(lambda: not any(one.is_running() and one.status() != "zombie" for one in left), 5, "the servers' end")
