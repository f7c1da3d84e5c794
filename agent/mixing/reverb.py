"""A short room and a plate, as impulse responses made from decaying noise and played by partitioned convolution.

The noise is made of a band each octave with a decay of its own (Moorer, About this reverberation business, 1979); the
room begins with early reflections. Partitioned overlap-save (Wefers 2015) costs one transform a partition in and out; a
partition is also the time by which the reverb comes later than the sound, its pre-delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK
from agent.mixing.mixer_kernels import multiply_bins, push_block

Float = NDArray[np.float32]
OCTAVES_HZ = (250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0)  # centres; below and above lie the rest


@dataclass(frozen=True, slots=True)
class Space:
    """A space to play in. decay_s: to -60 dB, for each of OCTAVES_HZ times `decays`.

    early: first reflections as (ms, left, right). attack_s: until the noise is there. low_cut_hz: below it is silence.
    """

    decay_s: float
    decays: tuple[float, ...]
    attack_s: float
    low_cut_hz: float
    early: tuple[tuple[float, float, float], ...] = ()


ROOM = Space(
    0.35,
    (0.9, 1.0, 1.0, 0.9, 0.7, 0.45),
    0.006,
    140.0,
    (
        (1.3, 0.50, 0.05), (2.9, 0.08, 0.46), (5.3, 0.40, 0.12), (7.1, 0.12, 0.38), (9.7, 0.30, -0.10),
        (12.1, -0.12, 0.28), (15.3, 0.22, 0.10), (18.7, 0.08, -0.20), (23.9, -0.14, 0.08), (27.1, 0.06, 0.14),
    ),
)  # fmt: skip
PLATE = Space(1.2, (0.85, 1.0, 1.0, 0.95, 0.7, 0.4), 0.004, 220.0)
SPACES = (ROOM, PLATE)


def noise(n: int, seed: int) -> NDArray[np.float64]:
    """Return white noise of variance 1, the same on every machine (a 32-bit mixing hash; numpy.random loads slowly)."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(seed * 2_654_435_761 & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    white: NDArray[np.float64] = (x / 2.0**32 - 0.5) * np.sqrt(12.0)
    return white


def impulse_response(space: Space, rate_hz: int, seed: int = 1) -> NDArray[np.float64]:
    """Return a response [n, 2] of energy 1 a channel, left and right unlike each other."""
    n = round(space.decay_s * rate_hz)
    time_s = np.arange(n) / rate_hz
    out = np.empty((n, 2))
    size = 1 << (n - 1).bit_length()  # what wraps round is noise as well
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    octave = np.log2(np.maximum(hz, 1.0) / OCTAVES_HZ[0])
    attack = 1 - np.exp(-time_s / space.attack_s)
    cut = 1 / (1 + (space.low_cut_hz / np.maximum(hz, 1.0)) ** 4)
    for side in (0, 1):
        spectrum = np.fft.rfft(noise(n, 2 * seed + side), size) * cut
        tail = np.zeros(n)
        for i, share in enumerate(space.decays):
            low, high = i == 0, i == len(space.decays) - 1
            shape = np.clip(1 - np.abs(octave - i), 0, 1)
            shape = np.where((octave < 0) & low | (octave > i) & high, 1.0, shape)
            decay = 10 ** (-3 * time_s / (space.decay_s * share))
            tail += np.fft.irfft(spectrum * shape, size)[:n] * decay
        tail *= attack
        tail /= np.sqrt((tail**2).sum())
        for ms, *sides in space.early:
            tail[round(ms / 1000 * rate_hz)] += sides[side]
        out[:, side] = tail / np.sqrt((tail**2).sum())
    return out


def transformed(sound: Float, spectra: NDArray[np.complex64]) -> None:
    """Write the spectra of sounds [..., n] into an array: a new one would cost more than the transform."""
    np.fft.rfft(sound, axis=-1, out=cast(Any, spectra))  # its stubs know complex128 alone


class Convolver:
    """Convolves several mono voices with one stereo response, a partition at a time, as spectra.

    take() brings the spectrum of the last two partitions; work() computes some bins of `answer`, so that the work can
    be done in slices.
    """

    def __init__(self, response: NDArray[np.float64], voices: int, part: int) -> None:
        self.parts, self.bins = -(-len(response) // part), part + 1
        count = self.parts
        padded = np.zeros((count * part, 2))
        padded[: len(response)] = response
        spectra = np.fft.rfft(padded.reshape(count, part, 2), 2 * part, axis=1)
        # twice, and backwards, so that each place of the ring of inputs finds its partner in one slice
        backwards = spectra[-np.arange(2 * count) % count].transpose(1, 0, 2)
        self._spectra = np.concatenate([backwards.real, backwards.imag], axis=2).astype(np.float32)
        self._inputs = np.zeros((self.bins, 2 * voices, count), np.float32)  # real parts, then imaginary ones
        self._at, self._voices = 0, voices
        self.answer = np.zeros((self.bins, voices, 2), np.complex64)
        self._multiply = multiply_bins.code_for(self._inputs, self._spectra, 0, 0, 0, self.answer)

    def take(self, spectrum: NDArray[np.complex64]) -> None:
        """Take in the spectrum [voices, bins] of the last two partitions."""
        self._at = (self._at + 1) % self.parts
        voices = self._voices
        self._inputs[:, :voices, self._at], self._inputs[:, voices:, self._at] = spectrum.real.T, spectrum.imag.T

    def work(self, first: int, last: int) -> None:
        """Compute the bins first to last of the answer [bins, voices, 2] to what was taken."""
        self._multiply(self._inputs, self._spectra, self.parts - self._at, first, last, self.answer)

    def reset(self) -> None:
        """Forget what was heard."""
        self._inputs[:] = 0.0
        self.answer[:] = 0.0
        self._at = 0


class _Line:
    """Convolves all sends with a stretch of their spaces' responses, in partitions of one size.

    spread: whether the products are spread over the blocks of the next partition, so that no block costs much more than
    another; the answer comes a partition later then.
    """

    def __init__(self, responses: Sequence[NDArray[np.float64]], voices: int, part: int, spread: bool) -> None:
        self._convolvers = [Convolver(response, voices, part) for response in responses]
        self.sound = np.zeros((len(responses), voices, 2 * part), np.float32)  # of the last two partitions
        self._spectra = np.zeros((len(responses), voices, part + 1), np.complex64)
        self.out = np.zeros((voices, 2, part), np.float32)
        self._part, self._bins, self._spread = part, part + 1, spread
        self._slice = -(-self._bins * BLOCK // (part - BLOCK))  # bins a block
        self.at, self._worked = 0, self._bins
        self.tail = _tail(responses, part)

    def step(self) -> None:
        """Work for a block whose sends were written into `sound`, and its answer taken from `out`, at `at`."""
        self.at += BLOCK
        if self.at == self._part:
            self._turn()
        elif self._worked < self._bins:
            self._work(min(self._worked + self._slice, self._bins))

    def push_whole(self, sends: Float, heard: Float) -> None:
        """Take in sends [spaces, voices, n] of any length, where the work is not spread; add what is heard to `heard`
        [voices, 2, n]."""
        done = 0
        while done < sends.shape[2]:
            at, n = self.at, min(sends.shape[2] - done, self._part - self.at)
            self.sound[:, :, self._part + at : self._part + at + n] = sends[:, :, done : done + n]
            heard[:, :, done : done + n] += self.out[:, :, at : at + n]
            self.at, done = at + n, done + n
            if self.at == self._part:
                self._turn()

    def _work(self, last: int) -> None:
        for convolver in self._convolvers:
            convolver.work(self._worked, last)
        self._worked = last

    def _turn(self) -> None:
        transformed(self.sound, self._spectra)
        if self._spread:
            self._answer()
        for convolver, spectrum in zip(self._convolvers, self._spectra, strict=True):
            convolver.take(spectrum)
        self._worked = 0
        if not self._spread:
            self._work(self._bins)
            self._answer()
        self.sound[:, :, : self._part] = self.sound[:, :, self._part :]
        self.at = 0

    def _answer(self) -> None:
        answer = sum((c.answer for c in self._convolvers[1:]), self._convolvers[0].answer)
        self.out[:] = np.fft.irfft(answer.transpose(1, 2, 0), axis=2)[:, :, self._part :]

    def reset(self) -> None:
        """Fall silent; the next block begins a partition."""
        for convolver in self._convolvers:
            convolver.reset()
        self.sound[:] = 0.0
        self.out[:] = 0.0
        self.at, self._worked = 0, self._bins


def _tail(responses: Sequence[NDArray[np.float64]], part: int) -> int:
    """Return the samples after which nothing rings on of what a _Line plays."""
    return (-(-max(map(len, responses)) // part) + 3) * part


class _Pieces:
    """Convolves all sends with a stretch of their spaces' responses, by one transform a piece of sound.

    delay: samples by which what is heard comes later; most: samples of the longest piece.
    """

    def __init__(self, responses: Sequence[NDArray[np.float64]], voices: int, delay: int, most: int) -> None:
        delayed = [np.concatenate([np.zeros((delay, 2)), response]) for response in responses]
        size = _good_size(max(map(len, delayed)) + most)
        spectra = [np.fft.rfft(one.T, size) for one in delayed]
        self._responses = np.stack(spectra).astype(np.complex64)[:, None]  # [spaces, 1, sides, bins]
        self._in = np.zeros((len(responses), voices, size), np.float32)
        self._spectra = np.zeros((len(responses), voices, size // 2 + 1), np.complex64)

    def push(self, sends: Float, heard: Float) -> None:
        """Take in sends [spaces, voices, n]; add what is heard to `heard` [voices, 2, n]."""
        n = sends.shape[2]
        self._in[:, :, :-n] = self._in[:, :, n:].copy()
        self._in[:, :, -n:] = sends
        transformed(self._in, self._spectra)
        answer = sum(s[:, None] * r for s, r in zip(self._spectra, self._responses, strict=True))
        heard += np.fft.irfft(answer, axis=2)[:, :, -n:]

    def reset(self) -> None:
        """Fall silent."""
        self._in[:] = 0.0


def _good_size(least: int) -> int:
    """Return a length whose transform is quick."""
    sizes = (factor << power for factor in (1, 3, 9) for power in range(24))
    return min(size for size in sizes if size >= least and size % 2 == 0)


class Reverb:
    """Plays the sends of several voices in each space: blocks of 64 samples in and out.

    The beginning of each response is played in short partitions, so that the reverb comes `part` samples after the
    sound; the rest in partitions four times as long, whose memory and products cost a quarter (Gardner 1995).
    """

    def __init__(self, rate_hz: int, voices: int, spaces: Sequence[Space] = SPACES) -> None:
        part, head, responses = _cut(rate_hz, spaces)
        self._head = _Line([response[:head] for response in responses], voices, part, False)
        self._rest = _Line([response[head:] for response in responses], voices, 4 * part, True)
        self.tail = self._head.tail + self._rest.tail
        self._heard = np.zeros((voices, 2, BLOCK), np.float32)
        sends = np.zeros((len(spaces), voices, BLOCK), np.float32)
        self._push = push_block.code_for(sends, *self._line(self._head), *self._line(self._rest), self._heard)

    @staticmethod
    def _line(line: _Line) -> tuple[Float, Float, int]:
        return line.sound, line.out, line.at

    def __call__(self, sends: Float) -> Float:
        """Take sends [spaces, voices, 64] in; return what is heard now, [voices, 2, 64]: read it at once."""
        self._push(np.ascontiguousarray(sends), *self._line(self._head), *self._line(self._rest), self._heard)
        self._head.step()
        self._rest.step()
        return self._heard

    def reset(self) -> None:
        """Fall silent; the next block begins anew."""
        self._head.reset()
        self._rest.reset()


class FileReverb:
    """Plays the sends as Reverb does, for sound that nobody waits for: in pieces of up to `most` samples.

    The beginning of each response is played by one transform a piece, the rest in large partitions.
    """

    def __init__(self, rate_hz: int, voices: int, most: int, spaces: Sequence[Space] = SPACES) -> None:
        part, head, responses = _cut(rate_hz, spaces)
        self._voices = voices
        self._early = _Pieces([response[:head] for response in responses], voices, part, most)
        late = [response[head:] for response in responses]
        self._late = _Line(late, voices, head + part, False)
        self.tail = _tail([response[:head] for response in responses], part) + _tail(late, 4 * part)  # as Reverb's

    def __call__(self, sends: Float) -> Float:
        """Take sends [spaces, voices, n] in; return what is heard now, [voices, 2, n]."""
        heard = np.zeros((self._voices, 2, sends.shape[2]), np.float32)
        self._early.push(sends, heard)
        self._late.push_whole(sends, heard)
        return heard

    def reset(self) -> None:
        """Fall silent."""
        self._early.reset()
        self._late.reset()


def _cut(rate_hz: int, spaces: Sequence[Space]) -> tuple[int, int, list[NDArray[np.float64]]]:
    """Return (samples by which the reverb comes later, samples of the responses' beginnings, the responses)."""
    part = 512 if rate_hz < 64_000 else 1024
    head = 7 * part  # a long partition comes, worked at, two of its lengths later: eight parts, less one
    return part, head, [impulse_response(space, rate_hz, i + 1) for i, space in enumerate(spaces)]
