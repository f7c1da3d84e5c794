"""Shared places, and: where ANTIPHON_NO_SKIP is set (CI), a test that would skip is an error."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # as agent.__main__ does, before NumPy is loaded

# latencies measured here would change tests, and tests would be remembered
for home in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
    os.environ[home] = tempfile.mkdtemp(prefix="antiphon-")
    atexit.register(shutil.rmtree, os.environ[home], ignore_errors=True)

SHARED = Path(__file__).parent.parent.parent / "shared"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = (yield).get_result()
    if report.skipped and os.environ.get("ANTIPHON_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of training data and clips; tests that need it skip where it is not."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (training data and listening clips)")
    return SHARED
