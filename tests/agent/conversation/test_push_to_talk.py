"""A key before and after a sentence: it is understood over the band's sound."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import pytest
from scipy.signal import resample_poly

from agent.conversation.push_to_talk import HEARS, LEARNS_S, PushToTalk, voice_of
from agent.core.errors import UserError
from agent.language import speech_input
from listener.types import ANALYSIS_RATE
from tests.agent.language.test_speech_input import needs_voice, spoken
from tests.listener.test_echo import band, room, through
from tests.waiting import wait_for

BAND_DB = -12.0  # of the band in the microphone, re the voice


def mixed(said: str, folder: Path, band_db: float = BAND_DB) -> tuple[np.ndarray, np.ndarray, int, float]:
    """The microphone: a voice in its last seconds over the band; the band; the rate; how long the voice is."""
    voice = resample_poly(spoken(said, folder), 3, 2).astype(np.float32)
    seconds = len(voice) / ANALYSIS_RATE
    sent = band(LEARNS_S + np.ceil(seconds))
    echo = through(sent, room(1)).ravel()
    mic = np.zeros(echo.size, np.float32)
    mic[-len(voice) :] = voice
    loud = np.sqrt(np.mean(voice[np.abs(voice) > 0.01] ** 2))
    echo *= loud * 10 ** (band_db / 20) / np.sqrt(np.mean(echo**2))
    return mic + echo, sent.ravel(), ANALYSIS_RATE, seconds


@needs_voice
@pytest.mark.slow
def test_a_sentence_over_the_band_is_understood(tmp_path: Path) -> None:
    said = ("less snare", "undo that", "lay back", "turn the drums down", "the kick is too loud", "swing it")
    heard = [speech_input.words_of(voice_of(*mixed(one, tmp_path))) for one in said]
    assert sum(one == two for one, two in zip(said, heard, strict=True)) >= 5, heard


def test_a_sentence_that_is_asked_for_while_it_is_understood_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, understood = Event(), Event()

    def slowly(samples: np.ndarray) -> str:
        understood.set()
        asked.wait(5)
        return "less snare"

    monkeypatch.setattr(speech_input, "available", lambda: True)
    monkeypatch.setattr(speech_input, "words_of", slowly)
    sound = np.zeros(ANALYSIS_RATE, np.float32)
    talk = PushToTalk(lambda wanted: (sound, sound, ANALYSIS_RATE))
    talk.press()
    talk.press()
    understood.wait(5)
    assert talk.take() == []
    asked.set()
    assert wait_for(talk.take) == ["less snare"]


@needs_voice
@pytest.mark.slow
def test_two_presses_make_a_sentence(tmp_path: Path) -> None:
    mic, sent, rate, seconds = mixed("less snare", tmp_path)
    now = [0.0]
    talk = PushToTalk(lambda wanted: (mic, sent, rate), lambda: now[0])
    assert talk.press() == HEARS
    now[0] = seconds
    talk.press()
    with pytest.raises(UserError, match="still being recognised"):
        talk.press()
    assert wait_for(talk.take, 90, "what was recognised") == ["less snare"]
