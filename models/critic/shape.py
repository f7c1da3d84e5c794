"""Sizes of the critic's networks: what a checkpoint must hold. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from models.critic.windows import CONTEXT_DIM, PART_DIM

KERNEL = 3  # ticks a convolution reads: the tick itself and one `dilation` before and after


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """channels: width of the convolutions. dilations: one residual convolution each. embed: width of the window's
    embedding. dropout: of what the convolutions read, in training; drums (whose wrong partners are finer) have their
    own."""

    channels: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    embed: int = 64
    dropout: float = 0.35
    drums_dropout: float = 0.1

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array in the checkpoint, by name."""
        found: dict[str, tuple[int, ...]] = {}
        for part, size in PART_DIM.items():
            found |= {f"{part}.{name}": shape for name, shape in self._part(CONTEXT_DIM[part], size).items()}
        return found

    def _part(self, context: int, part: int) -> dict[str, tuple[int, ...]]:
        wide = self.channels
        shapes: dict[str, tuple[int, ...]] = {"context.weight": (wide, context), "context.bias": (wide,)}
        shapes["part.weight"] = (wide, part)
        for index in range(len(self.dilations)):
            shapes |= {f"convs.{index}.weight": (wide, wide, KERNEL), f"convs.{index}.bias": (wide,)}
        shapes |= {"embed.weight": (self.embed, 2 * wide + part), "embed.bias": (self.embed,)}
        return shapes | {"out.weight": (1, self.embed), "out.bias": (1,)}
