"""`FileSynth` plays the band into a file: it collects what the instruments play and mixes it in long stretches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.audio.mixed_synth import MixedSynth
from agent.audio.synth import MAX_RENDER, Stems
from agent.core.settings import PartConfig
from agent.core.types import MixWish
from agent.mixing.file_mixer import FileMixer
from agent.sounds.instruments import INSTRUMENTS, of_style


class FileSynth(MixedSynth):
    """The band's instruments and their mix, as MixedSynth has them, for sound that nobody waits for.

    play() goes on by some samples, mixed() returns the mix of all that was played since it was called last. What the
    mixer is told concerns what is played after it, and so do the wishes; a follow(), what is not mixed yet.
    """

    mixer_kind = FileMixer

    def __init__(
        self,
        soundfonts: Path | Sequence[Path],
        rate: int,
        parts: Mapping[str, PartConfig],
        asked: Iterable[tuple[Mapping[str, str], str | None]] = (),
    ) -> None:
        """asked: the instruments and styles for which `sound` will be called; others are not loaded."""
        names = {name for one, style in (*asked, ({}, None)) for name in (*one.values(), *of_style(style).values())}
        self._filled = 0
        self._mixed: list[Stems] = []
        super().__init__(soundfonts, rate, parts, instruments=[name for name in INSTRUMENTS if name in names])
        self._waiting = np.zeros((len(self.mixer.lanes), 2, MAX_RENDER), np.float32)

    def play(self, n: int) -> None:
        """Play n samples, a multiple of 64."""
        while n:
            if self._filled == MAX_RENDER:
                self._mix()
            count = min(n, MAX_RENDER - self._filled)
            self._waiting[:, :, self._filled : self._filled + count] = self._raw(count)
            self._filled, n = self._filled + count, n - count

    def mixed(self) -> Stems:
        """Return what was played since the last call, mixed: float32 [parts, n, 2]."""
        self._mix()
        pieces, self._mixed = self._mixed, []
        return np.concatenate(pieces, axis=1)

    def _mix(self) -> None:
        if self._filled:
            self._mixed.append(self.mixer.process(self._waiting[:, :, : self._filled]))
            self._filled = 0

    def wish(self, wishes: Mapping[str, MixWish]) -> None:
        """Mix as these wishes say what is played from now on."""
        self._mix()
        super().wish(wishes)

    def sound(self, asked: Mapping[str, str], style: str | None) -> None:
        """Play with these instruments from now on; see MixedSynth.sound."""
        self._mix()
        super().sound(asked, style)

    def _expect(self, part: str, key: int, velocity: int) -> None:
        self._mix()
        super()._expect(part, key, velocity)
