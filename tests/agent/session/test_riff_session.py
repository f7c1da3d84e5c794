"""A recorded riff becomes a section of a song, with its sound, so that a session can begin with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.core.errors import UserError
from agent.core.settings import Config
from agent.session.setup import for_riff
from agent.session.workshop import cut_from, kept_of
from agent.songbook.book import Songbook
from agent.takes.captured import BEFORE_S
from agent.takes.mixdown import RATE
from listener.types import Meter
from tests.agent.conversation.test_riff_dialogue import riff


def test_a_riff_is_kept_with_its_odd_bar_and_its_sound_and_can_be_looped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    plain = riff()
    bars = (*plain.bars[:2], plain.bars[2].fitted(Meter(7, 8)), plain.bars[3])
    kept = kept_of(replace(plain, bars=bars), "riff")
    assert kept.section.meter == Meter(4, 4) and kept.odd == ((2, Meter(7, 8)),) and len(kept.bars) == 4
    assert [note.pitch for note in kept.bars[0].notes] == [28, 28, 31, 35, 33, 31]
    sent: list[object] = []
    book = Songbook(sent.append)
    recording = np.arange(8 * RATE, dtype=np.float32) / (8 * RATE)
    assert "Kept as riff" in book.bring(kept, cut_from(recording))
    assert "looping" in book.loop("riff")
    (path,) = tmp_path.rglob("*.wav")
    sound = soundfile.read(path)[0]
    assert len(sound) == round((8 + BEFORE_S) * RATE)
    assert sound[round(BEFORE_S * RATE)] == 0 and sound[-1] > 0.99


def test_without_a_loudspeaker_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.audio.device_list.find_card", lambda *given, **named: None)
    with pytest.raises(UserError, match="loudspeaker"):
        for_riff(Config(), Path("riff.wav"))
