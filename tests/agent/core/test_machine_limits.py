"""A machine that does not let a session run says so in one line, before anything is begun."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from agent.core import machine_limits
from agent.core.errors import UserError
from agent.core.machine_limits import check_limits


def test_too_little_shared_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda place: SimpleNamespace(f_bavail=1_000, f_frsize=4_096))
    with pytest.raises(UserError, match="/dev/shm has 3 MB left, a session needs 25"):
        check_limits(20 << 20)


def test_too_few_open_files_are_refused_and_a_low_limit_is_raised() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {1}))\n"
        "from agent.core.machine_limits import check_limits; check_limits(0)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    raised = subprocess.run([sys.executable, "-c", code.format(64, 512)], capture_output=True, text=True)
    assert raised.stdout.strip() == str(machine_limits.FILES), raised.stderr
    refused = subprocess.run([sys.executable, "-c", code.format(32, 32)], capture_output=True, text=True)
    assert "only 32 open files are allowed" in refused.stderr
