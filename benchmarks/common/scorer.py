"""Load the functions of shared/listening/eval_listen.py, for benchmarks that score what they made themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[3] / "shared" / "listening" / "eval_listen.py"


def load() -> Any:
    """The scorer as a module. Raises FileNotFoundError where shared/ is absent."""
    spec = importlib.util.spec_from_file_location("eval_listen", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
