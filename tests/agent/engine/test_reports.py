"""However long the parent stood still, what was sent reaches it, in messages that a channel takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agent.audio.sound_card import Latency
from agent.core.channel import channel
from agent.engine.audio_process import AudioProcess
from agent.engine.player import RECORDS_MAX, Player
from agent.engine.wake_timing import Wakes


class Card:
    """A line without a card."""

    clock = SimpleNamespace(running=False)
    card = None
    losses = returns = 0
    silent_s = skipped_s = 0.0
    cause, stuck = "", False

    def count(self, kind: int) -> int:
        return 0


def test_a_full_pocket_of_records_is_told_in_steps() -> None:
    sends, hears = channel()
    audio: Any = AudioProcess.__new__(AudioProcess)
    audio.player, audio._stream, audio._file, audio._wakes = (
        Player(48_000, ("drums",), None, None),
        Card(),
        None,
        Wakes(0.01),
    )
    audio._latency, audio._band_delay, audio._lead_s, audio._reports = Latency(), 0, 0.0, sends
    sent = [
        {"type": "sent", "output": "midi", "part": "drums", "on": True, "pitch": 36, "velocity": 90, "due_s": n / 7}
        for n in range(RECORDS_MAX)
    ]
    audio.player.records.extend(sent)
    heard: list[Any] = []
    while audio.player.records:
        before = len(audio.player.records)
        audio._report()
        heard += [record for report in hears.receive() for record in report.records]
        assert len(audio.player.records) < before
    assert heard == sent
    assert sends.dropped == 0
    for end in (sends, hears):
        end.close()
