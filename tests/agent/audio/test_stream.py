"""The stream goes on with the clock whatever the card does: a card in simulated time is lost, skips, comes back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from agent.audio.sound_card import MISSING, XRUNS, Pair, SoundCard
from agent.audio.stream import Stream
from agent.audio.stream_clock import SharedStamp
from agent.core.messages import PlayLoop
from agent.engine.looper import Looper
from agent.engine.output_mixer import LATE, OutputMixer
from listener.ring import Ring
from tests.portaudio import Callback, opened
from tests.rings import written

RATE, BLOCK = 48_000, 128
BLOCK_S = BLOCK / RATE


class Keeper:
    """Gives back the card that was lost, when told to."""

    cause, stuck = "it is not there", False

    def __init__(self) -> None:
        self.sought: list[SoundCard | None] = []
        self.found: SoundCard | None = None

    def seek(self, lost: SoundCard | None = None) -> None:
        self.sought.append(lost)

    def take(self) -> SoundCard | None:
        found, self.found = self.found, None
        return found


class Rig:
    """A line with a card without hardware; `play` lets time pass, with or without blocks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now_s: float = 1_000.0) -> None:
        self.now_s = now_s
        for module in ("agent.audio.sound_card", "agent.audio.stream"):
            monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: self.now_s))
        self.mic, self.sent, self.out = Ring(10 * RATE, 1), Ring(10 * RATE, 2), Ring(1 << 14, 2)
        self.stamp, self.keeper = SharedStamp(), Keeper()
        self.card, self.callback = card(self.mic, self.sent, self.out)
        self.line = self.new_line()
        self.level = 0.5

    def new_line(self) -> Stream:
        return Stream(RATE, BLOCK, (self.mic, self.sent), self.stamp, self.keeper)  # type: ignore[arg-type]

    def begin(self) -> None:
        self.block()
        self.line._ready = self.card
        self.line.start()

    def block(self) -> None:
        mine = np.full((BLOCK, 1), self.level, np.float32)
        self.callback(mine, np.zeros((BLOCK, 2), np.float32), BLOCK, None, None)

    def play(self, seconds: float, blocks: bool = True, turns: bool = True) -> None:
        for _ in range(round(seconds / BLOCK_S)):
            self.now_s += BLOCK_S
            if blocks:
                self.block()
            if turns:
                self.line.poll(self.now_s)

    def off(self) -> float:
        """By how many blocks the stream is off the monotonic clock since the beginning at 1000 s."""
        return (self.line.clock.stream_of(self.now_s) - (self.now_s - 1_000.0)) / BLOCK_S


def card(mic: Ring, sent: Ring, out: Ring, two_clocks: bool = False) -> tuple[SoundCard, Callback]:
    made, callback = opened(Pair(0, 0, two_clocks=two_clocks), RATE, BLOCK, mic, out.reader(), sent=sent, name="card")
    made.detach()
    return made, callback


def test_a_lost_card_is_silence_of_the_same_length(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(2)
    assert rig.mic.written == pytest.approx(2 * RATE, abs=BLOCK)
    rig.play(1, blocks=False)
    assert (rig.line.losses, rig.line.returns, rig.line.card) == (1, 0, None)
    assert rig.keeper.sought == [rig.card]
    assert rig.mic.written == pytest.approx(3 * RATE, abs=6 * BLOCK)
    assert not written(rig.mic, 2 * RATE + BLOCK, 3 * RATE - 6 * BLOCK).any()
    rig.block()  # it runs again, and is found
    rig.keeper.found = rig.card
    rig.play(1)
    assert rig.line.returns == 1
    assert rig.mic.written == rig.sent.written == pytest.approx(4 * RATE, abs=2 * BLOCK)
    assert (written(rig.mic, 3 * RATE + 2 * BLOCK, 4 * RATE - 2 * BLOCK) == 0.5).all()
    assert abs(rig.off()) < 1.5
    assert rig.line.silent_s == pytest.approx(0.7, abs=0.02)


def test_what_a_card_leaves_out_is_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 ms are gone without the card being lost (an interface that hiccups)."""
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(2)
    rig.play(0.1, blocks=False)
    rig.play(1)
    assert (rig.line.losses, rig.line.returns) == (1, 1)
    assert "left out 101 ms" in rig.line.cause
    assert rig.mic.written == rig.sent.written == pytest.approx(3.1 * RATE, abs=2 * BLOCK)
    assert abs(rig.off()) < 1.5


def test_jitter_is_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that come 60 ms late but all: the machine was busy."""
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(1)
    for _ in range(20):
        rig.play(0.06, blocks=False)
        for _ in range(round(0.06 / BLOCK_S)):
            rig.block()
        rig.play(0.1)
    assert rig.line.losses == 0


def test_a_process_that_stood_still_for_a_minute_fills_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(2)
    rig.now_s += 60
    rig.play(1)
    assert rig.line.skipped_s == pytest.approx(60, abs=0.1)
    assert rig.mic.written == pytest.approx(3 * RATE, abs=0.4 * RATE)
    assert rig.off() == pytest.approx(-60 / BLOCK_S, abs=2)


@pytest.mark.parametrize("dead_s", [0.8, 60.0])
def test_the_next_process_goes_on_from_the_stamp(monkeypatch: pytest.MonkeyPatch, dead_s: float) -> None:
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(2)
    rig.card.detach()  # it died with its process
    rig.now_s += dead_s
    rig.line = rig.new_line()
    assert rig.line.clock.running
    rig.line.start()
    rig.card, rig.callback = card(rig.mic, rig.sent, rig.out)
    rig.block()
    rig.keeper.found = rig.card
    rig.play(1)
    expected_s = 3 + (dead_s if dead_s < 5 else 0.0)
    assert rig.mic.written == rig.sent.written == pytest.approx(expected_s * RATE, abs=2 * BLOCK)
    assert rig.line.skipped_s == pytest.approx(dead_s if dead_s > 5 else 0, abs=0.1)


def test_a_block_that_was_not_rendered_in_time_is_lost_not_late() -> None:
    mic, sent, out = Ring(RATE, 1), Ring(RATE, 2), Ring(1 << 14, 2)
    made, callback = card(mic, sent, out)
    made.attach(0)
    heard = []
    for k in range(6):
        if k != 2:
            out.silence(k * BLOCK)
            out.write(np.full((BLOCK, 2), k + 1, np.float32))
        block = np.zeros((BLOCK, 2), np.float32)
        callback(np.zeros((BLOCK, 1), np.float32), block, BLOCK, None, None)
        heard.append(float(block[0, 0]))
    assert heard == [1, 2, 0, 4, 5, 6]
    assert made.counts[MISSING] == BLOCK


def test_a_monitored_bass_of_any_kind_leaves_the_loudspeaker_finite() -> None:
    mic, out = Ring(RATE, 1), Ring(1 << 14, 2)
    for bad in (np.nan, np.inf, -np.inf, 1e30, 5.0, -1.0):
        mic.write(np.full((BLOCK, 1), bad, np.float32))
    looper = Looper(mic, RATE)
    looper.play(PlayLoop(0.0, 5 * BLOCK_S))
    output_mixer = OutputMixer(out, 48_000, 0, Ring.reader(mic), 0)
    for start in range(0, 6 * BLOCK, BLOCK):
        stems = np.zeros((3, BLOCK, 2), np.float32)
        looper.mix_into(stems[-1], start)
        played = output_mixer.write(stems, start)
        assert np.isfinite(played).all()
        assert np.abs(played).max() <= 1.0
    assert np.isnan(written(mic, 0, 1)).all()  # the ring holds what came; who reads it mends it


def test_two_devices_are_bridged_and_what_was_sent_lies_beside_what_was_heard() -> None:
    mic, sent, out = Ring(2 * RATE, 1), Ring(2 * RATE, 2), Ring(1 << 14, 2)
    made, _ = card(mic, sent, out, two_clocks=True)
    output_mixer = OutputMixer(out, 48_000, 0, None, 512, sent)
    output_mixer.use(made, 256)
    assert output_mixer.bridge
    output_mixer.write(np.ones((1, 512, 2), np.float32) / 4, 256)
    output_mixer.skip_to(1_024)
    assert sent.written == 1_024 - LATE
    assert not written(sent, 0, 256).any()
    assert (written(sent, 256, 768) == 0.25).all()
    assert not written(sent, 768, 1_024).any()
    made, _ = card(mic, sent, out)  # the next one has one
    output_mixer.use(made, 1_024)
    assert output_mixer.bridge is None
    assert out.written == 1_024 - LATE


def test_a_host_that_cuts_its_period_into_callbacks_asks_for_all_of_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.begin()
    rig.play(1)
    assert rig.card.asks == BLOCK
    for _ in range(20):
        rig.now_s += 8 * BLOCK_S
        for _ in range(8):
            rig.block()
    assert rig.card.asks == 8 * BLOCK
    rig.block()  # a callback that comes late once changes nothing
    rig.now_s += 8 * BLOCK_S
    rig.block()
    assert rig.card.asks == 8 * BLOCK


def test_missing_samples_that_would_be_heard_count_as_an_xrun(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.begin()
    before = rig.line.count(XRUNS)
    rig.block()  # nothing was rendered
    assert rig.line.count(XRUNS) == before + 1
    rig.card.quiet = True
    rig.block()
    assert rig.line.count(XRUNS) == before + 1
