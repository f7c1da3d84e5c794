"""Hears whether the player mutes the strings, beside how they played before: in the codec's latents, not in notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_S
from models.codec.muting import FRAMES, MutedAxis, row_of

KEPT_FRAMES, PENDING = 512, 8
BARS, LEAST_BEFORE, LEAST_NOTES, MOST_NOTES = 16, 16, 3, 64  # bars; notes before; of a bar
MUTED_FROM, OPEN_BELOW = 0.35, 0.17  # of the way from open to muted: 2 in 100 unchanged lines lie above the first

Latent = NDArray[np.float32]


class HeardMuting:
    """Call hear(...) once a frame and end_bar() near the end of each bar. muted: the notes of the last bar are damped
    beside those of the bars before, which stand still meanwhile.

    axis: None where the codec is not the one it was learned for; then nothing is ever muted.
    """

    def __init__(self, axis: MutedAxis | None) -> None:
        self._axis = axis
        self._latents: deque[tuple[float, Latent]] = deque(maxlen=KEPT_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget how the player played."""
        self._onsets: deque[float] = deque(maxlen=PENDING)  # of notes whose sound is not complete
        self._before: deque[tuple[float, ...]] = deque(maxlen=BARS)  # where their notes lie, bar by bar
        self._lately: deque[float] = deque(maxlen=MOST_NOTES)
        self.muted = False

    def hear(self, end_s: float, latent: Latent | None, onsets_s: Iterable[float]) -> None:
        """Take a frame. end_s: of the frame; latent: None where the codec did not run; onsets_s: of new notes."""
        if latent is None:
            return
        self._latents.append((end_s, latent))
        if self._axis is None or len(latent) != self._axis.dim:
            return
        self._onsets.extend(onsets_s)
        while self._onsets and self._onsets[0] + (FRAMES + 1) * FRAME_S <= end_s:
            self._place(self._axis, self._onsets.popleft())

    def between(self, start_s: float, end_s: float) -> Latent | None:
        """Return the mean latent [D] of the frames that ended in a span; None where there is none."""
        inside = [latent for time_s, latent in self._latents if start_s <= time_s < end_s]
        return np.mean(inside, axis=0, dtype=np.float32) if inside else None

    def end_bar(self) -> None:
        """Decide by the notes since the last call; a bar of few goes on with the next one."""
        if len(self._lately) < LEAST_NOTES:
            return
        notes, before = tuple(self._lately), [one for bar in self._before for one in bar]
        self._lately.clear()
        if len(before) >= LEAST_BEFORE:
            changed = float(np.mean(notes) - np.mean(before))
            self.muted = changed > (OPEN_BELOW if self.muted else MUTED_FROM)
        if not self.muted:
            self._before.append(notes)

    def _place(self, axis: MutedAxis, onset_s: float) -> None:
        heard = [latent for time_s, latent in self._latents if onset_s < time_s <= onset_s + (FRAMES + 0.5) * FRAME_S]
        if len(heard) >= FRAMES:  # else the codec rested
            self._lately.append(axis.place(row_of(heard[:FRAMES])))
