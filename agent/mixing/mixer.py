"""Mixes the lanes of the band into one stem a part: level, pan, tone, reverb, balance by loudness, bus compressor.

The same object mixes live, in `--fast` and in the workshop. It works in blocks of 64 samples whose results depend on
nothing but what came before, so the sound is the same however it is asked for. A lane's level, pan, tone and sends are
one row of a matrix; a block costs three calls of compiled code and, each 512 samples, the reverb's transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.core.types import MixWish
from agent.mixing.block_filter import BLOCK, one_pole
from agent.mixing.compressor import BUS, Compressor
from agent.mixing.hop_power import HopPower
from agent.mixing.lanes import OTHER_LUFS, PART_LUFS, Lane
from agent.mixing.leveller import TRIM, Leveller
from agent.mixing.loudness import HOP_S
from agent.mixing.mixer_kernels import SOFT_FROM, SOFT_TO, join_block, level_block, mix_block
from agent.mixing.reverb import SPACES, FileReverb, Reverb

CORNERS_HZ = (3_000.0, 800.0, 150.0)  # keys have hardly any sound above 2 kHz: they are darkened from 800 Hz on
SHELF, KEYS_SHELF, LOW_CUT = 1, 2, 3  # the tones of a lane, in this order; 0 is the sound itself
DRIER_DB = 30.0  # by which a wish of nearly -1 takes a send back
WETTER_DB, LEAST_WET_DB, MOST_WET_DB = 24.0, -20.0, 3.0
BRIGHT_DB = 8.0  # for each octave of brightness that is wished
WIDE = 1.25  # times the side that pans and reverb give
SMOOTH_S, NEAR = 0.025, 0.002  # time constant of a change; gains that are so near are there
UPDATE_DB = 0.05  # a trim that moved by less waits
FOLLOW_DB_S = 1.0  # at which the band's level moves while it sounds
Float = NDArray[np.float32]


NO_WISH = MixWish()


class Mixer:
    """Mixes blocks [lanes, 2, n] into stems [parts, n, 2]; one thread calls it.

    gains_db: what brings each lane's instrument to its Lane.level_db. offsets: part -> (gain in dB, pan) of the config,
    kept by the balance.
    """

    def __init__(
        self,
        rate_hz: int,
        lanes: Sequence[Lane],
        gains_db: Sequence[float],
        offsets: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self.lanes, self.parts = tuple(lanes), tuple(dict.fromkeys(lane.part for lane in lanes))
        self._gains_db, self._offsets = tuple(gains_db), dict(offsets or {})
        self._bright_db: tuple[float, ...] = (0.0,) * len(self.lanes)
        self._wishes: dict[str, MixWish] = {}
        n, parts = len(self.lanes), len(self.parts)
        self._kit = self.parts.index("drums") if "drums" in self.parts else -1
        self._poles = np.array([one_pole(corner_hz, rate_hz) for corner_hz in CORNERS_HZ])
        self._in, self._states = np.zeros((2 * n, BLOCK), np.float32), np.zeros((2 * n, len(CORNERS_HZ)), np.float32)
        self._tones = np.zeros((1 + len(CORNERS_HZ), BLOCK), np.float32)  # a row's sound, and what is below a corner
        targets = [PART_LUFS.get(part, OTHER_LUFS) + self._offset(part)[0] for part in self.parts]
        self.balance = Leveller(targets, TRIM)
        self._goal_db = self._follow_db = 0.0  # of the whole band, beside the bass as it is mixed
        self._applied_db = np.zeros(parts)  # trims that are in the matrix
        self._matrix = self._next = self._made()
        self._jumps, self._share = False, 1 - np.float32(np.exp(-BLOCK / (SMOOTH_S * rate_hz)))
        self._width = self._next_width = self._widths()
        self._bus, self._bus_gain = Compressor(BUS, rate_hz), 1.0
        self._power = HopPower(rate_hz, parts, sides=2)
        self._ramp: Float = ((np.arange(BLOCK) + 1) / BLOCK).astype(np.float32)
        self._reverb = self._set_up(rate_hz)
        self._tail, self._quiet = self._reverb.tail, self._reverb.tail
        self._outputs, self._room = (np.zeros((len(self._matrix), BLOCK), np.float32) for _ in range(2))
        self._codes = self._compiled()  # before anything waits for it

    def _compiled(self) -> tuple[Callable[..., None], Callable[..., float], Callable[..., None]]:
        """Return the code of the three kernels for what they are called with here."""
        parts, matrix, width, ramp = len(self.parts), self._matrix, self._width, self._ramp
        heard, out = np.zeros((parts, 2, BLOCK), np.float32), np.zeros((parts, 2 * BLOCK, 2), np.float32)
        given = self._in, self._states, self._poles, matrix, matrix, False, ramp, self._tones, self._room, self._outputs
        self._power(self._outputs[: 2 * parts])
        self._power.reset()
        return (
            mix_block.code_for(*given),
            join_block.code_for(self._outputs, heard, parts, self._kit, width, width, ramp),
            level_block.code_for(self._outputs, parts, 1.0, 1.0, ramp, out, 0),
        )

    def _set_up(self, rate_hz: int) -> Reverb | FileReverb:
        """Return the spaces to play in; a mixer that works otherwise makes what it needs here, too."""
        return Reverb(rate_hz, len(self.parts))

    @property
    def silent(self) -> bool:
        """Return whether nothing rings on: silence in is silence out, and need not be mixed."""
        return self._quiet >= self._tail

    def wish(self, wishes: Mapping[str, MixWish]) -> None:
        """Follow these wishes from the next block on, within about SMOOTH_S; by name of lane or part; what is not named
        is as in the table. A level is wished of what is heard: balance, saturation and bus compressor go by the mix
        without it."""
        if dict(wishes) != self._wishes:
            self._wishes = dict(wishes)
            self._next = self._made()
            self._next_width = self._widths()

    def expects(self, part: str) -> bool:
        """Return whether a part has played nothing yet, so that `expect` may be told of its first notes."""
        return self.balance.unheard(self.parts.index(part))

    def expect(self, part: str, louder_db: float) -> None:
        """Be told that the first notes of a part are so much louder than its lane's level."""
        self.balance.expect(self.parts.index(part), louder_db)
        self._trim()

    def follow(self, away_db: float) -> None:
        """Play so much louder than usual, as the bass does in the mix: slowly, at once only where nothing sounds."""
        self._goal_db = away_db
        if self.silent and abs(away_db - self._follow_db) >= UPDATE_DB:
            self._follow_db = away_db
            self._trim()

    def _trim(self) -> None:
        self._applied_db = self.balance.gain_db + self._follow_db
        self._next = self._made()

    def regain(self, gains_db: Sequence[float], bright_db: Sequence[float]) -> None:
        """Bring other instruments to their lanes' levels in the next block: it is their first notes that sound.

        bright_db: of each lane's instrument, above 3 kHz.
        """
        self._gains_db, self._bright_db = tuple(gains_db), tuple(bright_db)
        self._next, self._jumps = self._made(), True

    def process(self, lanes: Float) -> Float:
        """Mix float32 [lanes, 2, n], n a multiple of 64; return [parts, n, 2]."""
        n = lanes.shape[2]
        out = np.empty((len(self.parts), n, 2), np.float32)
        for at in range(0, n, BLOCK):
            self._block(lanes[:, :, at : at + BLOCK], out, at)
        return out

    def _block(self, sound: Float, out: Float, at: int) -> None:
        """Mix a block [lanes, 2, 64] into out [parts, n, 2] from sample `at` on."""
        if sound.any():
            self._quiet = 0
        elif self._quiet < self._tail:
            self._quiet += BLOCK
        else:
            self._rest()
            out[:, at : at + BLOCK] = 0.0
            return
        mix, join, level = self._codes
        parts, mixed, ramp = len(self.parts), self._outputs, self._ramp
        self._in[:] = sound.reshape(-1, BLOCK)
        matrix, self._matrix = self._matrix, self._turned()
        turns = self._matrix is not matrix
        mix(self._in, self._states, self._poles, matrix, self._matrix, turns, ramp, self._tones, self._room, mixed)
        heard = self._reverb(mixed[4 * parts :].reshape(len(SPACES), parts, BLOCK))
        width, self._width = self._width, self._widened()
        gain = self._bus(join(mixed, heard, parts, self._kit, width, self._width, ramp))
        level(mixed, parts, self._bus_gain, gain, ramp, out, at)
        self._bus_gain = gain
        powers = self._power(mixed[: 2 * parts])
        if powers is not None:
            self._measured(powers)

    def _turned(self) -> Float:
        """Return the matrix a step nearer to the next one."""
        if self._next is self._matrix:
            return self._matrix
        gap = self._next - self._matrix
        near = self._jumps or np.abs(gap).max() < NEAR
        self._jumps = self._jumps and not near
        return self._next if near else self._matrix + self._share * gap

    def _widened(self) -> Float:
        """Return by how much each part's side is more than it was, [parts, 1], a step nearer to what is wished."""
        if self._width is self._next_width:
            return self._width
        gap = self._next_width - self._width
        return self._next_width if np.abs(gap).max() < NEAR else self._width + self._share * gap

    def _measured(self, powers: NDArray[np.float64]) -> None:
        """Follow the powers [parts] of the last 100 ms."""
        self.balance.hop(powers * 10 ** (-self._applied_db / 10))
        step = FOLLOW_DB_S * HOP_S
        self._follow_db += min(max(self._goal_db - self._follow_db, -step), step)
        if np.abs(self.balance.gain_db + self._follow_db - self._applied_db).max() >= UPDATE_DB:
            self._trim()

    def _rest(self) -> None:
        """Forget all sound: everything has rung out."""
        if self._power.begun or self._bus_gain != 1.0:
            self._states[:] = 0.0
            self._reverb.reset()
            self._bus.reset()
            self._power.reset()
            self.balance.rest()
            self._bus_gain = 1.0

    # -- the matrix -------------------------------------------------------------------------------------------

    def _offset(self, part: str) -> tuple[float, float]:
        return self._offsets.get(part, (0.0, 0.0))

    def _wish(self, name: str) -> MixWish:
        return self._wishes.get(name, NO_WISH)

    def _widths(self) -> Float:
        """Return by how much each part's side is more than it was, [parts, 1]: -1 takes it away, 1 doubles it."""
        return np.array([[WIDE * (1 + self._wish(part).width) - 1] for part in self.parts], np.float32)

    def _made(self) -> Float:
        """Return [4 parts + spaces * parts, tones * 2 lanes]: stems, what they lack beside levels as in the table, then
        sends, from the tones of each lane."""
        n, parts = len(self.lanes), len(self.parts)
        matrix = np.zeros((parts * (4 + len(SPACES)), len(self._tones), n, 2))
        for i, lane in enumerate(self.lanes):
            part = self.parts.index(lane.part)
            wishes = (self._wish(lane.name), self._wish(lane.part) if lane.name != lane.part else NO_WISH)
            gain_db, pan = self._offset(lane.part)
            wished_level_db = sum(w.level_db for w in wishes)
            level_db = gain_db + self._gains_db[i] + self._applied_db[part] + wished_level_db
            wished_db = BRIGHT_DB * sum(w.bright_octaves for w in wishes)
            tone = 10 ** (level_db / 20) * _weights(lane, lane.bright_db + self._bright_db[i], wished_db)
            sides = _pan(lane.pan + pan + sum(w.pan for w in wishes))
            wider = 0.5 * wishes[0].width if lane.name != lane.part else 0.0  # a whole part's is _widen's
            for side in (0, 1):
                matrix[2 * part + side, :, i, side] = (1 + wider) * tone * sides[side]
                matrix[2 * part + side, :, i, 1 - side] = -wider * tone * sides[1 - side]
            own = matrix[2 * part : 2 * part + 2, :, i]
            matrix[2 * (parts + part) : 2 * (parts + part) + 2, :, i] = (10 ** (-wished_level_db / 20) - 1) * own
            reverb = sum(w.reverb for w in wishes)
            for space, send_db in enumerate((lane.room_db, lane.plate_db)):
                send = 0.5 * _send(send_db, reverb)
                matrix[(4 + space) * parts + part, :, i] = np.outer(tone, [send, send])
        return matrix.reshape(len(matrix), -1).astype(np.float32)


def widen(stems: Float, width: Float) -> None:
    """Scale the sides of stems [parts, 2, n] in place by 1 + width [parts, 1 or n]."""
    side = width / 2 * (stems[:, 0] - stems[:, 1])
    stems[:, 0] += side
    stems[:, 1] -= side


def saturate(sound: Float, missing: Float) -> None:
    """Round off the peaks of the kit in place, as tape does: unchanged up to SOFT_FROM, never above SOFT_TO.

    missing: what the sound lacks beside the kit as it is without wishes, whose peaks they are.
    """
    size = np.abs(sound + missing)
    if size.max() > SOFT_FROM:
        room, over = SOFT_TO - SOFT_FROM, np.maximum(size - SOFT_FROM, 0.0)
        gain = (np.minimum(size, SOFT_FROM) + room * np.tanh(over / room)) / np.maximum(size, SOFT_FROM / 2)
        gain[size <= SOFT_FROM] = 1.0
        sound *= gain
        missing *= gain


def _weights(lane: Lane, bright_db: float, wished_db: float) -> NDArray[np.float64]:
    """Return the weights of a lane's tones: its shelf, and that of a wish, which begins lower where it darkens keys."""
    darkens = wished_db < 0 and lane.part != "drums"
    low = 10 ** (wished_db / 20) if darkens else 1.0
    shelf = 10 ** ((bright_db + (0.0 if darkens else wished_db)) / 20)
    weights = np.zeros(1 + len(CORNERS_HZ))
    weights[[0, SHELF, KEYS_SHELF, LOW_CUT]] = low * shelf, low * (1 - shelf), 1 - low, -lane.low_cut
    return weights


def _pan(pan: float) -> NDArray[np.float64]:
    """Return the gains left and right of a constant-power pan, 1 and 1 in the middle."""
    angle = (min(max(pan, -1.0), 1.0) + 1) * np.pi / 4
    gains: NDArray[np.float64] = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
    return gains


def _send(send_db: float, wish: float) -> float:
    """Return a send's gain. wish: -1 takes it away, 1 adds WETTER_DB, to MOST_WET_DB at most."""
    if wish <= -1:
        return 0.0
    if wish < 0:
        return float(10 ** ((send_db + DRIER_DB * wish) / 20))
    more_db = min(max(send_db, LEAST_WET_DB) + WETTER_DB * wish, MOST_WET_DB) if wish else send_db
    return float(10 ** (more_db / 20))
