"""Mix the input's channels to the one that carries the bass, and say which that is and whether any sound arrives.

A chosen channel is taken as it is. Else the bass is found by ear: the channel that is loudest below 500 Hz, with those
that carry the same; a balanced input split over two channels (one is the other's negative) is subtracted, where a mean
would be silent. Causal, the same at any block size, without delay.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from listener.decibels import amplitude_db
from listener.types import Samples

Block = NDArray[np.float32]

FULL_SCALE = 4.0  # float files may exceed 1; beyond this they are not sound but damage
WINDOW_S = 0.01  # between two decisions
LOW_HZ = 500  # means of 1 / LOW_HZ seconds are what is compared
MEMORY_S = 0.5  # of the energies
SOUND_DB = -66.0  # RMS of a window that sounds; the channel is found among these
SETTLED_S = 1.5  # of sound: then the channel stays, unless another is louder than it ever was by SETTLED_LEAD_DB
SETTLED_LEAD_DB, SETTLED_WINDOWS = 20.0, 8  # and that is looked at in windows so much longer
BESIDE_DB = 12.0  # a channel that carries the bass, too, is at most so much softer than the loudest
ALIKE = 0.5  # correlation from which two channels carry the same
LEAD_DB = 6.0  # another channel must be louder by this to be taken while it is not settled
HARDLY_DB, OTHER_DB = -50.0, -40.0  # peaks: hardly any sound; a channel that has some
HARDLY_AFTER_S = 10.0
FEW = 4  # channels that are summed one after the other, as numpy does up to 8


def repaired(block: Block) -> tuple[Block, int]:
    """Return the block finite and bounded, and how many samples had to be repaired."""
    bad = int(np.size(block) - np.count_nonzero(np.abs(block) <= FULL_SCALE))  # NaN and Inf compare false
    if bad:
        block = np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -FULL_SCALE, FULL_SCALE)
    return block, bad


class InputMixer:
    """Mixes one stream: push(block [n, channels]) -> (mono float32 [n], samples repaired).

    channel: counted from 0, None = found by ear. weights: float32 [channels], what each channel is multiplied by now.
    """

    def __init__(self, channels: int, rate: int, channel: int | None = None) -> None:
        self.channels, self._rate, self._chosen = channels, rate, channel
        self.weights: NDArray[np.float32] = _of([channel] if channel is not None else range(channels), channels)
        self._fixed = channel is not None or channels == 1
        self._settled = False
        self._low = max(round(rate / LOW_HZ), 1)  # samples of one mean
        self._window = self._low * max(round(WINDOW_S * LOW_HZ), 2)
        self._part: Block = np.zeros((0, channels), np.float32)  # of the window that has not ended
        self._products = np.zeros((channels, channels))
        self._lead, self._lead_power = -1, 0.0  # the channel that is followed, and the most it has had
        self._sounding_s = self._heard_s = 0.0
        self._peaks = np.zeros(channels)
        self._mix_peak = 0.0
        self._lines: list[str] = []
        self._watches = True  # whether hardly any sound has arrived so far

    @property
    def listens_to(self) -> str:
        """Return in words the channels that are listened to now: "channel 2 of 4"; "" where there is one only."""
        heard = [str(number + 1) for number, weight in enumerate(self.weights) if weight]
        several = len(heard) > 1
        return f"channel{'s' if several else ''} {' and '.join(heard)} of {self.channels}" if self.channels > 1 else ""

    def push(self, block: Block) -> tuple[Samples, int]:
        """Mix the next block; the weights change between windows only, wherever the blocks are cut."""
        block, bad = repaired(block)
        out = np.empty(len(block), np.float32)
        at = 0
        while at < len(block):
            n = len(block) - at if self._fixed else min(self._window - len(self._part), len(block) - at)
            piece = block[at : at + n]
            out[at : at + n] = self._mixed(piece)
            if not self._fixed:
                self._part = np.concatenate([self._part, piece])
                if len(self._part) == self._window:
                    self._decide(self._part.astype(np.float64))
                    self._part = self._part[:0]
            at += n
        if self._watches:
            self._watch(block, out)
        return out, bad

    def end(self) -> None:
        """Say, the sound being over, what only more of it would have made certain."""
        if self._watches and self._heard_s > 0.0:
            self._watches = False
            self._lines.append(self._hardly())

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player, each once: the channel, that hardly any sound arrives."""
        lines, self._lines = self._lines, []
        return lines

    def _mixed(self, block: Block) -> Samples:
        used = np.flatnonzero(self.weights)
        if len(used) == 1 and self.weights[used[0]] == 1.0:
            return np.ascontiguousarray(block[:, used[0]])
        if len(used) == self.channels and np.all(self.weights == self.weights[0]):
            return mean_of(block)
        return np.asarray(block @ self.weights, np.float32)

    def _decide(self, window: NDArray[np.float64]) -> None:
        window -= window.mean(axis=0)
        low = window.reshape(-1, self._low, self.channels).mean(axis=1)
        fresh = low.T @ low / len(low)
        window_s = len(window) / self._rate
        keep = math.exp(-window_s / MEMORY_S)
        self._products = keep * self._products + (1 - keep) * fresh
        if 10 * math.log10(float(np.diag(fresh).max()) + 1e-12) < SOUND_DB:
            return
        power = np.diag(self._products) + 1e-15
        loudest = int(power.argmax())
        if self._settled:
            needed = self._lead_power * 10 ** (SETTLED_LEAD_DB / 10)
        else:
            needed = power[self._lead] * 10 ** (LEAD_DB / 10) if self._lead >= 0 else 0.0
        if power[loudest] > needed:
            self._follow(loudest)
        self._lead_power = max(self._lead_power, float(power[self._lead]))
        self._sounding_s += window_s
        if self._settled:
            return
        alike = self._products[self._lead] / np.sqrt(power * power[self._lead])
        loud = power > power[self._lead] / 10 ** (BESIDE_DB / 10)
        signs = np.where(loud & (np.abs(alike) >= ALIKE), np.sign(alike), 0.0)
        self.weights = np.asarray(signs / np.abs(signs).sum(), np.float32)
        if self._sounding_s >= SETTLED_S:
            self._settled = True
            self._window *= SETTLED_WINDOWS
            self._say_channels(signs)

    def _follow(self, lead: int) -> None:
        if self._settled:
            self._settled = False
            self._window //= SETTLED_WINDOWS
        self._lead, self._lead_power, self._sounding_s = lead, 0.0, 0.0

    def _say_channels(self, signs: NDArray[np.float64]) -> None:
        used = np.flatnonzero(signs)
        if np.any(signs < 0):
            names = " and ".join(str(k + 1) for k in used)
            self._lines.append(f"channels {names} cancel each other (a balanced input?): they are subtracted")
        elif len(used) == 1:
            self._lines.append(
                f"the bass is on channel {used[0] + 1} of {self.channels} "
                f"(another one: audio.input_channel, 1 to {self.channels})"
            )
        elif len(used) < self.channels:
            names = ", ".join(str(k + 1) for k in used)
            self._lines.append(f"the bass is on channels {names} of {self.channels}: their mean is taken")

    def _watch(self, block: Block, mono: Samples) -> None:
        """Say once, after HARDLY_AFTER_S, that hardly any sound has arrived, and which channel has some."""
        self._heard_s += len(block) / self._rate
        if len(block):
            np.maximum(self._peaks, np.abs(block).max(axis=0), out=self._peaks)
            self._mix_peak = max(self._mix_peak, float(np.abs(mono).max()))
        if amplitude_db(self._mix_peak) >= HARDLY_DB:
            self._watches = False
        elif self._heard_s >= HARDLY_AFTER_S:
            self._watches = False
            self._lines.append(self._hardly())

    def _hardly(self) -> str:
        where = "" if self._chosen is None or self.channels == 1 else f" on channel {self._chosen + 1}"
        came = f"hardly any sound arrives{where} (peak {amplitude_db(self._mix_peak):.0f} dB)"
        if self._mix_peak < 1e-6:
            came = f"no sound arrives{where}"
        loudest = int(self._peaks.argmax())
        if loudest != self._chosen and amplitude_db(float(self._peaks[loudest])) >= OTHER_DB:
            level = f"{amplitude_db(float(self._peaks[loudest])):.0f} dB"
            return f"{came}, but channel {loudest + 1} has some ({level}): set audio.input_channel={loudest + 1}"
        return f"{came}: turn the input up, or choose another input (`antiphon devices` lists them)"


def mean_of(block: Block) -> Samples:
    """Return the mean [n] of float32 [n, channels]: what numpy gives, but for few channels sooner."""
    channels = block.shape[1]
    if channels > FEW:
        return np.asarray(block.mean(axis=1, dtype=np.float32))
    total = block[:, 0]
    for channel in range(1, channels):
        total = total + block[:, channel]
    return np.asarray(total / np.float32(channels), np.float32)


def _of(used: range | list[int], channels: int) -> NDArray[np.float32]:
    weights = np.zeros(channels, np.float32)
    weights[list(used)] = 1 / len(used)
    return weights
