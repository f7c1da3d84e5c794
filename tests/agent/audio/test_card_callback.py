"""The callback in machine code does what the one in Python does, block after block."""

import ctypes
import sys
import time

import numpy as np
import pytest

from agent.audio import card_callback as machine
from agent.audio.sound_card import Pair, SoundCard
from listener.ring import Ring

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its clock is Linux's")
RATE, BLOCK = 48_000, 64
POINTER, LONG = ctypes.c_void_p, ctypes.c_ulong
CALL = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, LONG, POINTER, LONG, POINTER)


class Card:
    """A sound card without hardware. compiled: which callback it calls."""

    def __init__(self, compiled: bool, inputs: int, outputs: int, mode: int) -> None:
        self.compiled, self.inputs, self.outputs, self.mode = compiled, inputs, outputs, mode
        self.mic, self.out, self.sent = Ring(300, 2), Ring(500, 2), Ring(400, 2)
        self.card = card = SoundCard.__new__(SoundCard)
        super(SoundCard, card).__init__(RATE, self.mic, self.out.reader())
        card._sent, card.out_stamp = self.sent, np.zeros(2)
        card._narrow = np.zeros((999, 2), np.float32) if outputs < 2 else None
        card.set_up_callback(Pair(0, 0, inputs, outputs), mode)

    def block(self, heard: np.ndarray, status: int) -> np.ndarray:
        played = np.full((len(heard), self.outputs), 9, np.float32)
        if self.compiled:
            given = heard.ctypes.data, played.ctypes.data, len(heard), None, status, self.card.state.ctypes.data
            assert CALL(machine.address())(*given) == 0
        elif self.mode == machine.DUPLEX:
            self.card._duplex(heard, played, len(heard), None, status)
        elif self.mode == machine.INPUT:
            self.card._input(heard, len(heard), None, status)
        else:
            self.card._output(played, len(heard), None, status)
        return played

    @property
    def all(self) -> list[np.ndarray]:
        """Everything that others read."""
        rings = [part for ring in (self.mic, self.out, self.sent) for part in (ring._samples, ring._counter)]
        return [*rings, self.card.counts, self.card.state[machine.POSITION], self.card._stamp[0]]


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
            one.out.silence(one.card._position if mode == machine.OUTPUT else one.mic.written)
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
