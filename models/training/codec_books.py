"""Fill and mend the codebooks of a codec in training: k-means, then unused ones moved.

van den Oord et al. 2017; EnCodec, section 3.2.
"""

from __future__ import annotations

from typing import Any

import torch

DEAD_CODE = 0.02  # EMA cluster size below which a code is replaced
PER_BATCH = 320  # latents: what the cluster sizes of a fresh codebook add up to
ROUNDS = 15


def codebooks(model: Any) -> list[Any]:
    return [layer._codebook for layer in model.quantizer.vq.layers]


def no_expiry(model: Any) -> None:
    # encodec's own expiry replaces a code and then overwrites it from its EMA: expire_codes does both
    for book in codebooks(model):
        book.threshold_ema_dead_code = 0


def book_buffers(model: Any, count: int) -> list[torch.Tensor]:
    """Return what the first `count` codebooks have learnt, to be averaged over processes."""
    return [t for book in codebooks(model)[:count] for t in (book.embed, book.embed_avg, book.cluster_size)]


def initialise_codebooks(model: Any, latents: torch.Tensor, count: int, kept: int = 0) -> None:
    """Fill the codebooks up to `count` by k-means, each on what the ones before left over; the first `kept` stay.

    latents: [N, D].
    """
    residual, generator = latents, torch.Generator().manual_seed(len(latents))
    for index, book in enumerate(codebooks(model)[:count]):
        if index >= kept:
            _k_means(book, residual, generator)
        residual = residual - book.dequantize(book.quantize(residual))


def _k_means(book: Any, residual: torch.Tensor, generator: torch.Generator) -> None:
    centres = residual[torch.randperm(len(residual), generator=generator)[: book.codebook_size]]
    for _ in range(ROUNDS):
        nearest = torch.cdist(residual, centres).argmin(1)
        counts = torch.bincount(nearest, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, nearest, residual)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
    book.embed.data.copy_(centres)
    book.cluster_size.data.copy_((counts / len(residual) * PER_BATCH).clamp(min=DEAD_CODE))
    book.embed_avg.data.copy_(centres * book.cluster_size[:, None])


def expire_codes(model: Any, latents: torch.Tensor, count: int, seed: int) -> None:
    """Move codes that hardly anything chooses to leftovers of this batch; latents [B, D, T]."""
    generator = torch.Generator().manual_seed(seed)
    residual = latents.transpose(1, 2).flatten(0, 1)
    for book in codebooks(model)[:count]:
        dead = torch.nonzero(book.cluster_size < DEAD_CODE)[:, 0]
        if len(dead):
            chosen = torch.randint(len(residual), (len(dead),), generator=generator)
            book.embed[dead] = residual[chosen]
            book.cluster_size[dead] = 5 * DEAD_CODE
            book.embed_avg[dead] = residual[chosen] * 5 * DEAD_CODE
        residual = residual - book.dequantize(book.quantize(residual))
