"""`FileMixer` mixes as `Mixer` does, many blocks at a time: for sound that goes to a file and that nobody waits for.

What a block hands on to the next one (low-passes, gains that glide, the bus compressor) is worked out for a stretch of
blocks first, so that a stretch is a few large products. A stretch ends where the loudness of 100 ms is measured, and
with it every trim that follows from it. The sound is Mixer's but for rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, TINY
from agent.mixing.mixer import CORNERS_HZ, NEAR, Float, Mixer, saturate, widen
from agent.mixing.reverb import SPACES, FileReverb

STEP = 32  # samples by which the low-passes go


class FileMixer(Mixer):
    """Mixes whole stretches [lanes, 2, n]; one thread calls it."""

    def _set_up(self, rate_hz: int) -> FileReverb:
        age = np.arange(STEP)[None, :] - np.arange(STEP)[:, None]
        passes = [np.where(age >= 0, (1 - p) * p ** np.maximum(age, 0), 0.0) for p in self._poles]
        states = [p ** (np.arange(STEP) + 1) for p in self._poles]
        count = len(CORNERS_HZ)
        matrix = np.zeros((STEP + count, count, STEP))
        for i in range(count):
            matrix[:STEP, i], matrix[STEP + i, i] = passes[i], states[i]
        self._step_lows = matrix.reshape(STEP + count, count * STEP).astype(np.float32)
        self._into_state = np.stack([one[:, -1] for one in passes], axis=1).astype(np.float32)
        steps = self._power.blocks_left * BLOCK // STEP
        ages = np.arange(steps)[:, None] - np.arange(steps)[None, :]
        decays = (self._poles**STEP)[:, None, None] ** np.maximum(ages, 0)
        kept = np.where(ages >= 0, decays, 0.0).transpose(0, 2, 1)  # [corners, step before, step]
        self._kept = np.ascontiguousarray(kept, np.float32)
        return FileReverb(rate_hz, len(self.parts), self._power.blocks_left * BLOCK)

    def process(self, lanes: Float) -> Float:
        """Mix float32 [lanes, 2, n], n a multiple of 64; return [parts, n, 2]."""
        n, at = lanes.shape[2], 0
        out = np.empty((len(self.parts), n, 2), np.float32)
        while at < n:
            end = min(n, at + self._power.blocks_left * BLOCK)
            out[:, at:end] = self._stretch(lanes[:, :, at:end]).transpose(0, 2, 1)
            at = end
        return out

    def _stretch(self, sound: Float) -> Float:
        """Mix blocks up to the end of a hop at most."""
        n = sound.shape[2]
        loud = np.flatnonzero(sound.reshape(-1, n // BLOCK, BLOCK).any(axis=(0, 2)))
        first = int(loud[0]) if len(loud) else n // BLOCK
        if self._quiet + first * BLOCK >= self._tail and (first or not len(loud)):  # it is at rest, or comes to rest
            out = np.empty((len(self.parts), n, 2), np.float32)
            for at in range(0, n, BLOCK):
                self._block(sound[:, :, at : at + BLOCK], out, at)
            return out.transpose(0, 2, 1)
        self._quiet = (n // BLOCK - 1 - int(loud[-1])) * BLOCK if len(loud) else self._quiet + n
        return self._mixed(sound)

    def _mixed(self, sound: Float) -> Float:
        parts, n = len(self.parts), sound.shape[2]
        rows, tones = self._split(sound)
        columns = (np.arange(len(self._tones))[:, None] * 2 * len(self.lanes) + rows).reshape(-1)
        mixed = self._next[:, columns] @ tones
        if self._next is not self._matrix:
            gap = self._next - self._matrix
            shares, left = self._glide(float(np.abs(gap).max()), n // BLOCK, self._jumps)
            mixed[:, : len(shares)] -= (gap[:, columns] @ tones[:, : len(shares)]) * shares
            self._matrix = self._next if not left else self._next - np.float32(left) * gap
            self._jumps = False
        stems, missing = mixed[: 4 * parts].reshape(2, parts, 2, n)
        if self._kit >= 0:
            saturate(stems[self._kit], missing[self._kit])
        stems += self._reverb(mixed[4 * parts :].reshape(len(SPACES), parts, n))
        self._widen_stretch(stems)
        total = (stems + missing).sum(axis=0)
        powers = np.square(total).reshape(2, -1, BLOCK).sum(axis=(0, 2)) / BLOCK
        ends = np.array([self._bus(power) for power in powers.tolist()])
        starts = np.concatenate([[self._bus_gain], ends[:-1]])
        gains = (starts[:, None] + (ends - starts)[:, None] * self._ramp).astype(np.float32).reshape(-1)
        stems *= gains
        self._bus_gain = float(ends[-1])
        for powers in self._power.whole((stems + gains * missing).reshape(-1, n)):
            self._measured(powers)
        return stems

    def _split(self, sound: Float) -> tuple[NDArray[np.int64], Float]:
        """Return (rows that sound, their tones [tones * rows, n]): the sound, and what is below each of CORNERS_HZ."""
        count, n = len(CORNERS_HZ), sound.shape[2]
        whole = sound.reshape(-1, n)
        rows = np.flatnonzero(whole.any(axis=1) | self._states.any(axis=1))
        steps = n // STEP
        blocks = whole[rows].reshape(len(rows), steps, STEP)
        given = np.empty((len(rows), steps, STEP + count), np.float32)
        given[:, :, :STEP] = blocks
        into = blocks @ self._into_state
        into[:, 0] += (self._poles**STEP).astype(np.float32) * self._states[rows]
        states = (into.transpose(2, 0, 1) @ self._kept[:, :steps, :steps]).transpose(1, 2, 0)
        given[:, 0, STEP:] = self._states[rows]
        given[:, 1:, STEP:] = states[:, :-1]
        last = states[:, -1].copy()
        last[np.abs(last) < TINY] = 0.0
        self._states[rows] = last
        tones = np.empty((1 + count, len(rows), steps, STEP), np.float32)
        tones[0] = blocks
        lows = (given.reshape(-1, STEP + count) @ self._step_lows).reshape(len(rows), steps, count, STEP)
        tones[1:] = lows.transpose(2, 0, 1, 3)
        return rows, tones.reshape(-1, n)

    def _glide(self, size: float, blocks: int, jumps: bool) -> tuple[Float, float]:
        """Return (how much of a gap is left, sample by sample, until there is none or the stretch ends; what is left
        then). size: the largest of the gap."""
        left = [1.0]
        while len(left) <= blocks and left[-1]:
            near = jumps or size * left[-1] < NEAR
            left.append(0.0 if near else left[-1] * float(1 - self._share))
        starts, ends = np.array(left[:-1]), np.array(left[1:])
        shares = starts[:, None] + (ends - starts)[:, None] * self._ramp
        return shares.astype(np.float32).reshape(-1), left[-1]

    def _widen_stretch(self, stems: Float) -> None:
        width: Float = self._next_width
        if self._width is not self._next_width:
            gap = self._next_width - self._width
            shares, left = self._glide(float(np.abs(gap).max()), stems.shape[2] // BLOCK, False)
            moving = np.zeros((1, stems.shape[2]), np.float32)
            moving[0, : len(shares)] = shares
            width = self._next_width - gap * moving
            self._width = self._next_width if not left else self._next_width - np.float32(left) * gap
        if width.any():
            widen(stems, width)
