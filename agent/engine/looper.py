"""Repeats what the bass just played, exact to the sample. Runs in the audio process: NumPy only, one thread.

Nothing is allocated once a loop is known. The loop's seam lies a little before beat one, so that a note played early is
whole. There the sound from before the loop fades in while the loop's end fades out (equal power, as the two are not
correlated).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.core.messages import PlayLoop, StopLoop
from listener.input_mixer import InputMixer
from listener.ring import Reader, Ring

FADE_S = 0.010
SEAM_S = 0.012  # the seam's end lies this long before the beat
MARGIN_S = 0.25  # a loop whose start is mended by less is the same loop
LEVEL_DB = -20.0  # RMS where it sounds, beside a band of about that level
GAIN_DB = (-18.0, 18.0)
PEAK = 0.9
SOUNDING = 0.003  # of full scale; below this is no playing
CHUNK = 4_096  # samples copied at once when much has come

Block = NDArray[np.float32]


@dataclass(slots=True)
class Loop:
    """One loop, in samples of the capture stream.

    first: the buffer's first sample; start to end: the riff, bar line to bar line; stops: where it falls silent, None =
    never.
    """

    buffer: Block  # [length], mono, from `first` on
    first: int
    start: int
    end: int
    wish: PlayLoop
    filled: int = 0
    energy: float = 0.0  # sum of squares of the samples that sound
    sounding: int = 0  # how many they are
    peak: float = 0.0
    gain: float | None = None  # known once it sounds
    stops: int | None = None
    heard_from: int = 0  # where it begins to be heard, if that is after its first end

    @property
    def period(self) -> int:
        return self.end - self.start


class Looper:
    """Records a loop and mixes it in: play() and stop() as the mind decides, mix_into() for every rendered block.

    ring: the microphone's. channel: counted from 0, None = the mean of all. level_db: RMS to which the loop is brought;
    None leaves it as recorded (right where the bass itself is in the mix).
    """

    def __init__(self, ring: Ring, rate: int, channel: int | None = None, level_db: float | None = LEVEL_DB) -> None:
        self._ring, self._rate, self._level_db = ring, rate, level_db
        self._weights = InputMixer(ring.channels, rate, channel).weights
        self._fade, self._seam, self._margin = (round(s * rate) for s in (FADE_S, SEAM_S, MARGIN_S))
        quarter = (np.arange(self._fade, dtype=np.float32) + 0.5) / max(self._fade, 1) * np.float32(np.pi / 2)
        self._rise, self._fall = np.sin(quarter), np.cos(quarter)
        self._loop: Loop | None = None  # recorded or sounding
        self._leaving: Loop | None = None  # still sounding until the next one begins
        self._mono = np.zeros(CHUNK, np.float32)
        self._raw = np.zeros((CHUNK, ring.channels), np.float32)
        self.lost = 0  # samples the ring had already lost

    @property
    def is_on(self) -> bool:
        """Whether something is recorded or sounds."""
        return self._loop is not None or self._leaving is not None

    def play_sound(self, wish: PlayLoop, sound: Block) -> None:
        """Repeat a sound [n], at this rate, in place of what was played: as `play`, with nothing to record."""
        start, end = round(wish.start_s * self._rate), round(wish.end_s * self._rate)
        before = round(wish.before_s * self._rate)
        need = before + end - start
        if end - start < 4 * (self._fade + self._seam) or before < self._fade + self._seam:
            return
        buffer = np.zeros(need, np.float32)
        buffer[: min(need, len(sound))] = sound[:need]
        loop = self._loop
        heard_from = max(round(wish.from_s * self._rate), end)
        if loop and loop.gain is not None:
            loop.stops = heard_from if loop.stops is None else loop.stops
            self._leaving = loop
        self._loop = Loop(buffer, start - before, start, end, wish, filled=need, heard_from=heard_from)
        self._measure(self._loop, buffer)

    def play(self, wish: PlayLoop) -> None:
        """Record from start_s (which may lie ahead or a moment back), repeat from end_s on. Said again with nearly the
        same start it mends both ends: unheard before it sounds, with a jump if that comes too late."""
        start, end = round(wish.start_s * self._rate), round(wish.end_s * self._rate)
        if end - start < 4 * (self._fade + self._seam):
            return
        loop = self._loop
        if loop and abs(start - loop.start) <= self._margin // 2 and self._fits(loop, end):
            loop.start, loop.end, loop.wish = start, end, wish
            return
        first = max(start - self._margin, 0)
        if loop and loop.gain is not None:
            loop.stops = start if loop.stops is None else loop.stops
            self._leaving = loop
        slack = max(self._margin, (end - start) // 4)  # a player who slows down
        self._loop = Loop(np.zeros(end - first + slack, np.float32), first, start, end, wish)

    @staticmethod
    def _fits(loop: Loop, end: int) -> bool:
        return end <= loop.first + len(loop.buffer)

    def stop(self, wish: StopLoop) -> None:
        """Fall silent at at_s, faded; a loop that has not begun by then never will."""
        at = round(wish.at_s * self._rate)
        for loop in (self._loop, self._leaving):
            if loop:
                loop.stops = at if loop.stops is None else min(at, loop.stops)

    def clear(self) -> None:
        """At once."""
        self._loop = self._leaving = None

    def take(self, weights: tuple[float, ...]) -> None:
        """Multiply the input's channels by these from now on, one for each."""
        self._weights = np.array(weights, np.float32)

    def mix_into(self, mix: Block, start_sample: int) -> None:
        """Add to mix [n, channels]. start_sample: of the capture stream, beside which mix[0] is heard: the sample that
        is rendered plus the input's and output's latency."""
        if self._loop:
            self._record(self._loop)
        for loop in (self._leaving, self._loop):
            if loop:
                self._add(loop, mix, start_sample)
        if self._leaving and self._is_over(self._leaving, start_sample + len(mix)):
            self._leaving = None
        if self._loop and self._is_over(self._loop, start_sample + len(mix)):
            self._loop = None

    @staticmethod
    def _is_over(loop: Loop, at: int) -> bool:
        return loop.stops is not None and at >= loop.stops

    def _record(self, loop: Loop) -> None:
        """Copy what has come since the last time, in pieces of at most CHUNK."""
        ring, to = self._ring, min(self._ring.written, loop.end)
        at = loop.first + loop.filled
        oldest = ring.written - ring.capacity
        if at < oldest:
            self.lost += min(oldest, to) - at
            at = min(oldest, max(to, at))
        while at < to:
            n = min(to - at, CHUNK)
            Reader(ring, at).read_into(self._raw[:n])
            self._mix_down(self._raw[:n], loop.buffer[at - loop.first : at - loop.first + n])
            self._measure(loop, loop.buffer[at - loop.first : at - loop.first + n])
            at += n
        loop.filled = max(at - loop.first, loop.filled)

    def _mix_down(self, block: Block, out: Block) -> None:
        """Block [n, channels] -> out [n], finite."""
        used = np.flatnonzero(self._weights)
        np.dot(block[:, used], self._weights[used], out=out)  # what is not used may be no sound at all
        np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(out, -1.0, 1.0, out=out)

    @staticmethod
    def _measure(loop: Loop, piece: Block) -> None:
        heard = np.abs(piece)
        loop.peak = max(loop.peak, float(heard.max()))
        heard[heard < SOUNDING] = 0.0
        loop.energy += float(np.dot(heard, heard))
        loop.sounding += int(np.count_nonzero(heard))

    def _add(self, loop: Loop, mix: Block, at: int) -> None:
        """The stretch [at, at + n) of the endless loop, cut where it begins, wraps and stops."""
        begins = loop.end - self._seam - self._fade
        to = at + len(mix)
        if loop.stops is not None:
            if loop.stops <= begins:
                return
            to = min(to, loop.stops)
        heard_from = max(loop.heard_from - self._seam - self._fade, begins)
        at_first, at = at, max(at, heard_from)
        if at >= to:
            return
        if loop.gain is None:
            loop.gain = self._gain_of(loop)
        while at < to:
            place = (at - begins) % loop.period  # 0: the seam begins
            n = min(to - at, CHUNK, self._fade - place if place < self._fade else loop.period - place)
            piece = self._mono[:n]
            self._fetch(loop, place, n, piece, first_time=at - begins < loop.period)
            self._fade_in(at - heard_from if heard_from > begins else self._fade, piece)
            self._fade_out(loop, at, piece)
            mix[at - at_first : at - at_first + n] += piece[:, None]
            at += n

    def _fetch(self, loop: Loop, place: int, n: int, out: Block, first_time: bool) -> None:
        """n samples from `place` after the seam's beginning; within the seam the old end fades into the beginning."""
        source = loop.start - self._seam - self._fade + place - loop.first
        out[:] = loop.buffer[max(source, 0) : max(source, 0) + n]
        if place < self._fade:
            out *= self._rise[place : place + n]
            if not first_time:
                tail = loop.buffer[source + loop.period : source + loop.period + n]
                out += tail * self._fall[place : place + n]
        out *= np.float32(loop.gain or 0.0)

    def _fade_in(self, since: int, piece: Block) -> None:
        """Let a loop that begins within a repetition rise. since: samples from where it is heard."""
        rising = min(max(self._fade - since, 0), len(piece))
        piece[:rising] *= self._rise[since : since + rising]

    def _fade_out(self, loop: Loop, at: int, piece: Block) -> None:
        if loop.stops is None or at + len(piece) <= loop.stops - self._fade:
            return
        place = np.clip(np.arange(at, at + len(piece)) - (loop.stops - self._fade), 0, self._fade - 1)
        inside = np.arange(at, at + len(piece)) >= loop.stops - self._fade
        piece *= np.where(inside, self._fall[place], np.float32(1.0))

    def _gain_of(self, loop: Loop) -> float:
        """The wished gain, and what brings the riff to level_db where it sounds; never so much that it clips."""
        wished_db = loop.wish.gain_db
        if self._level_db is None or not loop.sounding:
            return float(10 ** (wished_db / 20))
        rms_db = 10 * np.log10(loop.energy / loop.sounding)
        level_db = float(np.clip(self._level_db - rms_db, *GAIN_DB))
        return float(min(10 ** ((level_db + wished_db) / 20), max(PEAK / loop.peak, 10 ** (wished_db / 20))))
