"""Each command is found without loading the others, which takes as long as all of Python and NumPy."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from agent.__main__ import _parser

ROOT = Path(__file__).parents[3]


def names(parser: argparse.ArgumentParser) -> set[str]:
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return set(commands.choices)


def test_a_command_that_is_asked_for_alone_is_there() -> None:
    for name in names(_parser()):
        assert name in names(_parser(name)), f"{name}: name its file in agent/__main__.py"


def test_say_loads_nothing_heavy() -> None:
    code = (
        "import sys; from agent.__main__ import main; main(['say', 'hello']); "
        "print(*{'numpy', 'yaml', 'msgspec', 'rich'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "no session is running" in done.stderr
    assert done.stdout.split() == []
