"""The takes over a riff on the page: listed, sent, named; nothing outside their folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.core.errors import UserError
from agent.web.takes import Takes

RIFF = "20260101-120000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made(tmp_path / "takes")


def made(root: Path, seconds: float = 0.1) -> Path:
    """Write a riff with two takes, as the workshop does."""
    folder = root / RIFF
    folder.mkdir(parents=True)
    for number, says in ((1, "the first take"), (2, "the snare down")):
        about = {"number": number, "says": says, "name": "", "key": "E minor", "tempo_bpm": 104.0, "end_s": 2.0}
        (folder / f"take-{number:03d}.json").write_text(
            json.dumps(about | {"sentence": "", "notes": {}, "figures": {}})
        )
        soundfile.write(folder / f"take-{number:03d}.wav", np.zeros((round(48_000 * seconds), 2)), 48_000)
    return root


def test_takes_are_listed_with_what_was_asked_for(root: Path) -> None:
    (root / RIFF / "take-003.json").write_text("{")
    (one,) = Takes(root).all()
    assert (one.riff, [take.says for take in one.takes]) == (RIFF, ["the first take", "the snare down"])


def test_a_name_is_kept_and_the_rest_of_the_take_too(root: Path) -> None:
    assert Takes(root).name(RIFF, 2, "bristol\n") == "bristol"
    kept = json.loads((root / RIFF / "take-002.json").read_text())
    assert (kept["name"], kept["says"], kept["notes"]) == ("bristol", "the snare down", {})


@pytest.mark.parametrize(("riff", "number"), [("..", 1), ("", 1), (f"../takes/{RIFF}", 1), (RIFF, 3), ("nobody", 1)])
def test_no_path_leads_out(root: Path, riff: str, number: int) -> None:
    (root.parent / "take-001.wav").write_text("secret")
    for ask in (Takes(root).sound, lambda r, n: Takes(root).name(r, n, "x")):
        with pytest.raises(UserError):
            ask(riff, number)


def test_links_are_not_followed(root: Path) -> None:
    (root / "linked").symlink_to(root / RIFF)
    sound = root / RIFF / "take-002.wav"
    sound.unlink()
    sound.symlink_to(root / RIFF / "take-001.wav")
    (one,) = Takes(root).all()
    assert [take.number for take in one.takes] == [1]
