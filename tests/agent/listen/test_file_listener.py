"""`antiphon listen`: JSON lines on stdout, one clear error."""

import io
import json

import numpy as np
import pytest
import soundfile

from agent.listen.file_listener import Lines, run
from agent.listen.text import readable
from listener.types import Analysis, Note


@pytest.fixture
def take(tmp_path):
    t = np.arange(48_000) / 48_000
    pluck = 0.3 * np.exp(-3 * t) * sum(np.sin(2 * np.pi * 110 * k * t) / k for k in (1, 2, 3))
    sound = np.concatenate([np.zeros(12_000), pluck])
    path = tmp_path / "a.wav"
    soundfile.write(path, sound, 48_000)
    return str(path)


def lines(*paths: str) -> tuple[int, list[dict]]:
    out = io.StringIO()
    code = run(list(paths), True, out)
    return code, [json.loads(text) for text in out.getvalue().splitlines()]


def test_one_file_gives_its_note_and_its_cost(take):
    code, said = lines(take)
    assert code == 0
    assert [line["midi"] for line in said if line["type"] == "note"] == [45]
    assert said[-1]["type"] == "timing"


def test_nothing_is_said_about_sound_not_yet_heard(take):
    for line in lines(take)[1]:
        if line["type"] in ("onset", "note"):
            assert line["t_onset"] <= line["t_emit"]


def test_a_bad_file_raises_alone_and_costs_a_line_among_others(take, tmp_path, capsys):
    with pytest.raises((ValueError, OSError)):
        run([str(tmp_path / "none.wav")], True, io.StringIO())
    code, said = lines(take, str(tmp_path / "none.wav"), take)
    assert code == 2
    assert sum(line["type"] == "timing" for line in said) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_correction_is_a_line_of_its_own_and_no_second_note():
    corrected = Note(1.0, 1.06, None, 28, 90, revises=40)
    analysis = Analysis(1.06, 1.06, 0.0, 41.2, 0.9, -20.0, revised=(corrected,))
    (said,) = Lines().of(analysis)
    assert said.items() >= {"type": "revision", "t_onset": 1.0, "t_emit": 1.06, "midi": 28, "was": 40}.items()


def test_every_line_a_program_reads_can_be_read_by_a_person(take):
    for line in lines(take)[1]:
        readable(line)
    assert readable({"type": "feel", "t_emit": 2.0, "behind_ms": 12, "swing": 0.58}).split("  ")[-1].strip() == (
        "12 ms behind the beat, swing 0.58"
    )
