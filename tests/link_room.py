"""A Link session for one test at a time: other tests wait,
and where a stranger's session is on the network it skips.
"""

from __future__ import annotations

import fcntl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STRANGERS_S = 0.6  # until those who are there have been heard of


@contextmanager
def link_room() -> Iterator[None]:
    """Link joins whoever is on the network: a test must not change the tempo of somebody's session."""
    link = pytest.importorskip("link")
    with (Path(tempfile.gettempdir()) / "antiphon-link-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        look = link.Link(120.0)
        look.enabled = True
        time.sleep(STRANGERS_S)
        strangers = look.numPeers()
        look.enabled = False
        if strangers:
            pytest.skip("somebody's Link session is on this network")
        yield
