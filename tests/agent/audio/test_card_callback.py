"""The callback in machine code does what the one in Python does, block after block."""

import ctypes
import sys
import time

import numpy as np
import pytest

from agent.audio import card_callback as machine
from agent.audio.sound_card import Pair
from listener.ring import Ring
from tests.portaudio import opened
from tests.rings import written

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its clock is Linux's")
RATE, BLOCK = 48_000, 64
POINTER, LONG = ctypes.c_void_p, ctypes.c_ulong
CALL = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, LONG, POINTER, LONG, POINTER)


class Card:
    """A sound card without hardware. compiled: which callback it calls."""

    def __init__(self, compiled: bool, inputs: int, outputs: int, mode: int) -> None:
        self.compiled, self.inputs, self.outputs, self.mode = compiled, inputs, outputs, mode
        self.mic, self.out, self.sent = Ring(300, 2), Ring(500, 2), Ring(400, 2)
        pair, plays, hears = Pair(0, 0, inputs, outputs), mode != machine.INPUT, mode != machine.OUTPUT
        playback = self.out.reader() if plays else None
        self.card, self.python = opened(pair, RATE, BLOCK, self.mic, playback, reads_input=hears, sent=self.sent)
        self.card.set_up_callback(pair, mode)

    def block(self, heard: np.ndarray, status: int) -> np.ndarray:
        played = np.full((len(heard), self.outputs), 9, np.float32)
        if self.compiled:
            given = heard.ctypes.data, played.ctypes.data, len(heard), None, status, self.card.state.ctypes.data
            assert CALL(machine.address())(*given) == 0
        elif self.mode == machine.DUPLEX:
            self.python(heard, played, len(heard), None, status)
        elif self.mode == machine.INPUT:
            self.python(heard, len(heard), None, status)
        else:
            self.python(played, len(heard), None, status)
        return played

    @property
    def all(self) -> list[np.ndarray]:
        """Everything that others read."""
        rings = [self.mic, self.out, self.sent]
        sounds = [written(ring, max(ring.written - 300, 0), ring.written) for ring in rings]
        counts = [np.asarray(ring.written) for ring in rings]
        return [*sounds, *counts, self.card.counts, self.card.state[machine.POSITION], np.asarray(self.card.stamp()[0])]


@pytest.mark.parametrize("mode", [machine.DUPLEX, machine.INPUT, machine.OUTPUT])
@pytest.mark.parametrize(("inputs", "outputs"), [(2, 2), (1, 1)])
def test_both_callbacks_do_the_same(mode: int, inputs: int, outputs: int) -> None:
    cards, rng = [Card(compiled, inputs, outputs, mode) for compiled in (False, True)], np.random.default_rng(0)
    for turn in range(60):
        count, status = int(rng.integers(1, 2 * BLOCK)), int(rng.random() < 0.1)
        heard = rng.standard_normal((count, inputs)).astype(np.float32)
        rendered = rng.standard_normal((int(rng.integers(0, 2 * BLOCK)), 2)).astype(np.float32)
        played = []
        for one in cards:
            one.card.quiet = turn % 7 == 0
            if turn in (20, 30):
                one.card.detach() if turn == 20 else one.card.attach(5_000)
            one.out.silence(int(one.card.state[machine.POSITION]) if mode == machine.OUTPUT else one.mic.written)
            one.out.write(rendered)
            played.append(one.block(heard, status))
        if mode != machine.INPUT:
            np.testing.assert_array_equal(*played)
        for mine, theirs in zip(cards[0].all, cards[1].all, strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=f"turn {turn}")


def test_it_reads_the_clock_that_python_reads() -> None:
    one = Card(True, 1, 2, machine.DUPLEX)
    before_s = time.monotonic()
    one.block(np.zeros((BLOCK, 1), np.float32), 0)
    assert before_s <= one.card.seen_s <= time.monotonic()
    assert one.card.stamp() == (BLOCK, one.card.seen_s)
