"""Hears whether the player mutes the strings, beside how they played before: in the codec's latents, not in notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_S
from models.codec.muting import FRAMES, MutedAxis, row_of

KEPT_FRAMES = 512
LATELY, BEFORE, LEAST_BEFORE = 6, 48, 16  # notes
MUTED_FROM, OPEN_BELOW = 0.35, 0.17  # of the way from open to muted: 2 in 100 unchanged lines lie above the first

Latent = NDArray[np.float32]


class HeardMuting:
    """Call hear(...) once a frame. muted: the last notes are damped beside those before, which stand still meanwhile.

    axis: None where the codec is not the one it was learned for; then nothing is ever muted.
    """

    def __init__(self, axis: MutedAxis | None) -> None:
        self._axis = axis
        self._latents: deque[tuple[float, Latent]] = deque(maxlen=KEPT_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget how the player played."""
        self._onsets: deque[float] = deque(maxlen=LATELY)  # of notes whose sound is not complete
        self._before: deque[float] = deque(maxlen=BEFORE)
        self._lately: deque[float] = deque(maxlen=LATELY)
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

    def _place(self, axis: MutedAxis, onset_s: float) -> None:
        heard = [latent for time_s, latent in self._latents if onset_s < time_s <= onset_s + (FRAMES + 0.5) * FRAME_S]
        if len(heard) < FRAMES:  # the codec rested
            return
        if len(self._lately) == LATELY and not self.muted:
            self._before.append(self._lately[0])
        self._lately.append(axis.place(row_of(heard[:FRAMES])))
        if len(self._before) >= LEAST_BEFORE:
            changed = float(np.mean(self._lately) - np.mean(self._before))
            self.muted = changed > (OPEN_BELOW if self.muted else MUTED_FROM)
