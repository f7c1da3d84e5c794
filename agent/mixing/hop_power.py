"""Measures the K-weighted power of voices block by block, one hop of 100 ms after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, BlockFilter
from agent.mixing.loudness import HOP_S, k_weighting
from agent.mixing.mixer_kernels import energies


class HopPower:
    """Holds what was measured since the last hop ended. sides: channels of each voice, one after another."""

    def __init__(self, rate_hz: int, voices: int, sides: int = 1, dtype: type = np.float32) -> None:
        self._weighting, self._dtype = BlockFilter(k_weighting(rate_hz), voices * sides, dtype), dtype
        self._sections, self._energies = np.array(k_weighting(rate_hz)), np.zeros(voices * sides)
        self._sides, self._hop = sides, round(HOP_S * rate_hz / BLOCK)
        self._powers, self._blocks = np.zeros(voices), 0

    def __call__(self, sound: NDArray[np.floating], scale: float = 1.0) -> NDArray[np.float64] | None:
        """Take in a block [voices * sides, 64]; return the mean power of the hop that ends with it, else None.

        scale: by which the block's power counts.
        """
        powers = self._energies
        energies(np.ascontiguousarray(sound, self._dtype), self._sections, self._weighting.states, powers)
        self._powers += scale * (powers if self._sides == 1 else powers.reshape(-1, self._sides).sum(axis=1))
        self._blocks += 1
        if self._blocks < self._hop:
            return None
        hop = self._powers / (self._hop * BLOCK)
        self._powers[:], self._blocks = 0.0, 0
        return hop

    def whole(self, sound: NDArray[np.floating], scale: float = 1.0) -> NDArray[np.float64]:
        """Take in [voices * sides, n] at once, n a multiple of 64; return the mean powers [hops, voices] of the hops
        that end in it: what block after block would give."""
        weighted = self._weighting.whole(sound)
        blocks = np.square(weighted, dtype=np.float64).reshape(
            len(self._powers), self._sides, weighted.shape[1] // BLOCK, BLOCK
        )
        powers = np.concatenate([np.zeros((self._blocks, len(self._powers))), scale * blocks.sum(axis=(1, 3)).T])
        powers[: min(1, self._blocks)] += self._powers
        hops = len(powers) // self._hop
        rest = powers[hops * self._hop :]
        self._powers, self._blocks = rest.sum(axis=0), len(rest)
        whole = powers[: hops * self._hop].reshape(hops, self._hop, len(self._powers))
        means: NDArray[np.float64] = whole.sum(axis=1) / (self._hop * BLOCK)
        return means

    @property
    def blocks_left(self) -> int:
        """Return the blocks until the hop ends."""
        return self._hop - self._blocks

    @property
    def begun(self) -> bool:
        """Return whether a hop has begun."""
        return self._blocks > 0

    def reset(self) -> None:
        """Forget the sound."""
        self._weighting.reset()
        self._powers[:], self._blocks = 0.0, 0
