"""A session's control socket and the remote that is served for it, each in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.web.remote_rig import Band, Served, served


@pytest.fixture
def band(tmp_path: Path) -> Iterator[Band]:
    made = Band(tmp_path / "control.sock")
    yield made
    made.close()


@pytest.fixture
def remote(tmp_path: Path, band: Band) -> Iterator[Served]:
    with served(tmp_path, band.path) as one:
        yield one
