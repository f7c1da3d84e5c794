"""Push-to-talk: what espeak-ng says is understood; what can be heard is understood by the table."""

import re
import shutil
import subprocess
from math import gcd
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from agent.language import speech_input
from agent.language.parser import parse

needs_voice = pytest.mark.skipif(
    not speech_input.available() or shutil.which("espeak-ng") is None,
    reason="needs pocketsphinx ([voice]) and espeak-ng",
)
SAID = (
    "less snare", "turn the drums down", "undo that", "more tension in the chorus", "do not resolve it",
    "seven eight in bar three", "lay back", "the kick is too loud", "ghost notes", "brushes",
    "go back to the first take", "swing it",
)  # fmt: skip


def spoken(sentence: str, folder: Path) -> np.ndarray:
    path = folder / "said.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", str(path), sentence], check=True)
    samples, rate = soundfile.read(path, dtype="float32")
    step = gcd(rate, speech_input.SAMPLE_RATE)
    samples = resample_poly(samples, speech_input.SAMPLE_RATE // step, rate // step).astype(np.float32)
    return np.concatenate([np.zeros(4000, np.float32), samples, np.zeros(4000, np.float32)])


@needs_voice
@pytest.mark.slow
def test_a_synthetic_voice_is_understood(tmp_path: Path) -> None:
    right = [parse(speech_input.words_of(spoken(said, tmp_path))).edits == parse(said).edits for said in SAID]
    assert sum(right) >= 9, [said for said, good in zip(SAID, right, strict=True) if not good]


@needs_voice
@pytest.mark.slow
def test_silence_before_and_after_does_not_matter(tmp_path: Path) -> None:
    for said in ("less snare", "undo that", "lay back", "turn the drums down"):
        quiet = np.zeros(3 * speech_input.SAMPLE_RATE, np.float32)
        assert speech_input.words_of(np.concatenate([quiet, spoken(said, tmp_path), quiet])) == said


def test_a_sentence_is_whole() -> None:
    whole = speech_input.sentences(speech_input.grammar())
    for said in ("less snare", "please turn the drums down in bar two", "seven eight in bar three", "undo that"):
        assert whole.fullmatch(said + " "), said
    for part in ("do not", "less", "turn the drums", "less snare in the", "drums"):
        assert not whole.fullmatch(part + " "), part


@needs_voice
@pytest.mark.slow
def test_silence_changes_nothing() -> None:
    assert speech_input.words_of(np.zeros(speech_input.SAMPLE_RATE, np.float32)) == ""


def test_whatever_can_be_heard_is_understood() -> None:
    rules = dict(re.findall(r"^<(\w+)> = (.*);$", speech_input.grammar(), re.MULTILINE))
    for name in ("also", "comparative", "feature"):
        assert [said for said in rules[name].split(" | ") if not parse(said).edits] == []
