"""What an online harmoniser may know at tick t: the notes before t, the chords it has played, the metre. Nothing of t.

Everything indexed by pitch class is a plane [12], so that a network can look at it from every root alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from benchmarks.baselines.pop909 import NO_CHORD, QUALITIES, REST, Song, chord_tones

WINDOWS_TICKS = (4, 8, 16, 32, 64, 512)  # how far back the note histograms reach
LAG_BARS = (1, 2, 4, 8)  # songs repeat: what came after the same place so many bars ago
RECENT_TICKS = 4
MATCH_TICKS = 16  # how long the notes must have agreed with those a lag ago, for a match of 1
AGE_BEATS = 8
LONGEST_TICKS = 128  # the age of a chord is not told apart beyond
HISTOGRAM_PRIOR = 2.0  # ticks; a histogram of few notes stays small
TONES = torch.from_numpy(chord_tones())
ROOTS = torch.cat([torch.eye(12).repeat_interleave(len(QUALITIES), 0), torch.zeros(1, 12)])
PLANES = {True: RECENT_TICKS + 2, False: RECENT_TICKS + len(WINDOWS_TICKS) + 2 + 4 * len(LAG_BARS) + 1}  # of plain
SCALARS = {True: RECENT_TICKS + 2, False: RECENT_TICKS + 2 + AGE_BEATS + 2 * len(LAG_BARS)}
CONDITIONS = 11


@dataclass(frozen=True, slots=True)
class Line:
    """B lines of W ticks, the melody or the bass: pitch (REST: none), onset, bar (ticks since it began), bar_number
    [B, W]; bar_ticks [B]; counts [B, W + 1, 12]: ticks of each pitch class before an index; agree [B, W + 1, lags]:
    ticks before an index in which the note was that of a lag ago."""

    pitch: Tensor
    onset: Tensor
    bar: Tensor
    bar_number: Tensor
    bar_ticks: Tensor
    counts: Tensor
    agree: Tensor

    @property
    def lags(self) -> Tensor:
        """[B, lags] in ticks."""
        return self.bar_ticks[:, None] * torch.tensor(LAG_BARS)


def line_of(pitch: Tensor, onset: Tensor, bar: Tensor, bar_ticks: Tensor) -> Line:
    """pitch, onset, bar [B, W] and bar_ticks [B] -> a Line with its running sums."""
    line = unheard(bar, bar_ticks)
    hear(line, pitch, onset, 0)
    return line


def unheard(bar: Tensor, bar_ticks: Tensor) -> Line:
    """The metre bar [B, W], bar_ticks [B] and no notes yet."""
    batch, width = bar.shape
    rest, number = torch.full((batch, width), REST), (bar == 0).long().cumsum(1)
    sums = (torch.zeros(batch, width + 1, size) for size in (12, len(LAG_BARS)))
    return Line(rest, torch.zeros_like(bar), bar, number, bar_ticks, *sums)


def hear(line: Line, pitch: Tensor, onset: Tensor, start: int) -> None:
    """Write notes [B, N] into the line, in place, from tick `start` on; what came before must have been heard."""
    end = start + pitch.shape[1]
    line.pitch[:, start:end], line.onset[:, start:end] = pitch, onset
    sounding = pitch != REST
    classes = one_hot(torch.where(sounding, pitch % 12, 12), 13)[..., :12].float()
    before = torch.arange(start, end)[None, :, None] - line.lags[:, None]
    then = _get(line.pitch, before.flatten(1), REST).view(*before.shape)
    agree = (sounding[..., None] & (then == pitch[..., None])).float()
    for sums, values in ((line.counts, classes), (line.agree, agree)):
        sums[:, start + 1 : end + 1] = sums[:, start : start + 1] + values.cumsum(1)


def line_of_songs(songs: Sequence[Song], bass: bool) -> Line:
    """Songs side by side, the shorter ones with rests at their end."""
    width = max(len(song) for song in songs)

    def stacked(name: str, fill: int) -> Tensor:
        rows = [np.pad(getattr(s, name), (0, width - len(s)), constant_values=fill) for s in songs]
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    part = "bass" if bass else "melody"
    ticks = torch.tensor([song.bar_ticks for song in songs])
    return line_of(stacked(part, REST), stacked(f"{part}_on", 0), stacked("bar", 1), ticks)


def chords_of_songs(songs: Sequence[Song]) -> Tensor:
    """[B, W] chord ids, NO_CHORD after the end."""
    width = max(len(song) for song in songs)
    rows = [np.pad(s.chord, (0, width - len(s)), constant_values=NO_CHORD) for s in songs]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def context(line: Line, chords: Tensor, at: Tensor, plain: bool) -> tuple[Tensor, Tensor]:
    """Planes [B, T, K, 12] and scalars [B, T, S] for the decisions at ticks `at` [B, T]; chords [B, W] from `at` on,
    and notes from `at` on, are not looked at. plain: the last beat's notes and the chord that holds, no more."""
    recent = [_window(line.counts, at - k, at - k + 1, at) for k in range(1, RECENT_TICKS + 1)]
    onsets = torch.stack([_get(line.onset, at - k, 0) for k in range(1, RECENT_TICKS + 1)], -1).float()
    now = _get(chords, at - 1, NO_CHORD)
    pitch = _get(line.pitch, at - 1, REST)
    level = torch.where(pitch == REST, 0.0, (pitch - 60) / 24)
    planes = [*recent, TONES[now], ROOTS[now]]
    scalars = [onsets, (now == NO_CHORD)[..., None].float(), level[..., None]]
    if not plain:
        planes += _past(line, at) + _played(line, chords, at)
        scalars += [_ages(chords, at), *_repeats(line, chords, at)]
    return torch.stack(planes, -2), torch.cat(scalars, -1)


def conditions(line: Line, at: Tensor) -> Tensor:
    """[B, T, CONDITIONS]: sin and cos of the phase in beat, bar, 2, 4 and 8 bars at tick `at`, and the metre."""
    bar, number = _get(line.bar, at, 0), _get(line.bar_number, at, 0)
    length = line.bar_ticks[:, None].expand_as(bar)
    within = bar / length
    phases = [bar / 4 % 1, within, *((number % bars + within) / bars for bars in (2, 4, 8))]
    turns = 2 * torch.pi * torch.stack(phases, -1)
    return torch.cat([turns.sin(), turns.cos(), (length == 24)[..., None].float()], -1)


def age(chords: Tensor, at: Tensor) -> Tensor:
    """[B, T]: ticks since the chord that holds before `at` began, LONGEST_TICKS at most."""
    first, end = max(int(at.min()) - LONGEST_TICKS - 1, 0), int(at.max()) + 1
    near = chords[:, first:end]
    began = torch.ones_like(near, dtype=torch.bool)
    began[:, 1:] = near[:, 1:] != near[:, :-1]
    index = torch.arange(near.shape[1]).expand_as(near)
    last = torch.where(began, index, 0).cummax(1).values
    return (at - first - _get(last, at - first - 1, 0)).clamp(max=LONGEST_TICKS)


def _past(line: Line, at: Tensor) -> list[Tensor]:
    """Histograms of what was heard, and of what followed here a lag ago (the next beat; the rest of a bar)."""
    planes = [_shares(_window(line.counts, at - width, at, at)) for width in WINDOWS_TICKS]
    for lag in line.lags.unbind(1):
        then = at - lag[:, None]
        planes += [
            _shares(_window(line.counts, then, then + 4, at)),
            _shares(_window(line.counts, then + 4, then + 16, at)),
        ]
    return planes


def _played(line: Line, chords: Tensor, at: Tensor) -> list[Tensor]:
    """The chord before this one, and those that held here a lag ago."""
    planes = [TONES[_get(chords, at - age(chords, at) - 1, NO_CHORD)]]
    for lag in line.lags.unbind(1):
        then = _get(chords, at - lag[:, None], NO_CHORD)
        planes += [TONES[then], ROOTS[then]]
    return planes


def _repeats(line: Line, chords: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Per lag: how well the last bar agrees with that of a lag ago, and whether the chord changed there then."""
    agree = _window(line.agree, at - MATCH_TICKS, at, at) / MATCH_TICKS
    then = at[..., None] - line.lags[:, None]
    flat = then.flatten(1)
    changed = _get(chords, flat, NO_CHORD) != _get(chords, flat - 1, NO_CHORD)
    return agree, changed.view(*then.shape).float()


def _ages(chords: Tensor, at: Tensor) -> Tensor:
    beats = ((age(chords, at) - 1) // 4).clamp(0, AGE_BEATS - 1)
    return one_hot(beats, AGE_BEATS).float()


def _window(sums: Tensor, start: Tensor, end: Tensor, at: Tensor) -> Tensor:
    """[B, T, K]: the sum over [start, end), cut off at tick `at`."""
    return _take(sums, torch.minimum(end, at)) - _take(sums, torch.minimum(start, at))


def _take(sums: Tensor, index: Tensor) -> Tensor:
    index = index.clamp(0, sums.shape[1] - 1)
    return sums.gather(1, index[..., None].expand(-1, -1, sums.shape[2]))


def _get(values: Tensor, index: Tensor, before: int) -> Tensor:
    """values [B, W] at index [B, T]; `before` where the index is before the beginning."""
    return torch.where(index < 0, before, values.gather(1, index.clamp(0, values.shape[1] - 1)))


def _shares(counts: Tensor) -> Tensor:
    return counts / (counts.sum(-1, keepdim=True) + HISTOGRAM_PRIOR)


def coverage(shares: Tensor) -> Tensor:
    """[..., 12] -> [..., CHORDS]: the part of the notes that each chord contains (of 0 notes: 0)."""
    return shares @ TONES.T / shares.sum(-1, keepdim=True).clamp(min=1e-6)


def heard(line: Line, at: Tensor, ticks: int) -> Tensor:
    """[B, T, 12]: how many of the last `ticks` ticks each pitch class sounded."""
    return _window(line.counts, at - ticks, at, at)
