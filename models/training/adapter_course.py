"""Plan an adapter's training: its settings, the player's pieces, and what is rehearsed between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.corpus.song import Song
from models.training.batches import Batch, Sampler
from models.training.evaluate import held_out

FEW_TICKS = 1024  # 64 bars of 4/4; a player of whom no more is known is learned in fewer steps
KEPT_APART = 4  # every so manyeth piece of a player
PER_METER = 2  # of the base's, by source


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """Settings of an adapter's training.

    batch: crops of `length` ticks of the player; rehearsed: of old material, 0 for none; base_share: how much of that
    is the base's, the rest is earlier players'. weights: which of the responder's, by the end of their names. keep: how
    much the base's own answers on its material count beside that material.
    """

    steps: int = 80
    batch: int = 4
    rehearsed: int = 8
    length: int = 128
    rate: float = 4e-3
    rank: int = 4
    weights: tuple[str, ...] = ("heads.weight", "heads.bias", "project_in.weight", "project_out.weight")
    base_share: float = 0.6
    keep: float = 4.0
    save_every: int = 40
    seed: int = 0

    @classmethod
    def of(cls, ticks: int, seed: int = 0) -> AdapterConfig:
        """Return the settings for so much of a player: measured by benchmarks/voices.py to FEW_TICKS, above by
        benchmarks/forgetting.py."""
        if ticks > FEW_TICKS:
            return cls(seed=seed)
        steps = 30 if ticks > FEW_TICKS // 2 else 20
        return cls(steps=steps, length=max(min(128, ticks), 1), rehearsed=4, keep=10.0, seed=seed)

    def rate_at(self, step: int) -> float:
        """Return the learning rate: up over the first twentieth, then straight down."""
        return self.rate * min((step + 1) / max(self.steps / 20, 1), 1.0) * (1.0 - step / self.steps)


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned, and what must not be forgotten: the base's pieces and each earlier player's."""

    learn: Sequence[Song]
    base: Sequence[Song] = ()
    earlier: Sequence[Sequence[Song]] = field(default=())

    def kept_apart(self) -> tuple[Material, Material]:
        """Return (what to train on, what to choose by)."""
        parts = [apart(self.learn), spread(self.base), *map(apart, self.earlier)]
        made = [Material(side[0], side[1], tuple(side[2:])) for side in zip(*parts, strict=True)]
        return made[0], made[1]


def apart(songs: Sequence[Song]) -> tuple[list[Song], list[Song]]:
    """Keep a fourth of the pieces apart, none when there are too few."""
    if len(songs) < KEPT_APART:
        return list(songs), list(songs)
    return [s for i, s in enumerate(songs) if i % KEPT_APART], list(songs[::KEPT_APART])


def spread(songs: Sequence[Song]) -> tuple[list[Song], list[Song]]:
    """Keep a few pieces of each source and meter apart, of those the responder was not trained on where possible.

    What it was trained on is forgotten first, and shows little of its style.
    """
    kept = held_out(list(songs), "valid", PER_METER) or held_out(list(songs), "train", PER_METER)
    names = {song.name for song in kept}
    rest = [song for song in songs if song.split == "train" and song.name not in names]
    return rest or list(songs), kept


class Course:
    """Draws the batches of every step: the player's, and what is rehearsed, in turn by its share."""

    def __init__(self, config: AdapterConfig, material: Material, sound_dim: int, recall: bool = False) -> None:
        def sampler(songs: Sequence[Song], number: int) -> Sampler:
            return Sampler(list(songs), config.length, sound_dim, config.seed + number, recall=recall)

        self._config = config
        self._own = sampler(material.learn, 0)
        self._base = sampler(material.base, 1) if material.base and config.rehearsed else None
        self._earlier = [
            sampler(songs, 2 + i) for i, songs in enumerate(material.earlier) if songs and config.rehearsed
        ]

    def batches(self, step: int) -> list[Batch]:
        """Return the player's batch, the base's and an earlier player's; the latter two only where rehearsed."""
        config, made = self._config, [self._own.batch(step, self._config.batch)]
        old = len(self._earlier)
        for_base = config.rehearsed if not old else max(round(config.base_share * config.rehearsed), 1)
        if self._base:
            made.append(self._base.batch(step, for_base))
        if old:
            made.append(self._earlier[step % old].batch(step, max(config.rehearsed - for_base, 1)))
        return made
