"""Build the codec with random weights, scaled and with codebooks drawn from data, to show what training is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.codec.net import CodecConfig, build_encodec

Samples = NDArray[np.float32]


def untrained(config: CodecConfig, takes: list[Samples], seed: int = 0) -> Any:
    """An encodec.EncodecModel in eval mode. Its last convolution is scaled to latents of mean 0 and variance 1 over
    the takes [N] (raw, they are nearly constant), and codebook after codebook holds latents that occurred."""
    torch.manual_seed(seed)
    model = build_encodec(config).eval()
    with torch.no_grad():
        last = model.encoder.model[-1].conv.conv
        for _ in range(2):  # again, for what float32 lost of the nearly constant
            raw = _latents(model, takes)
            last.bias.sub_(raw.mean(0)).div_(raw.std())
            last.weight_g.div_(raw.std())
        residual = _latents(model, takes)
        for layer in model.quantizer.vq.layers:
            book = layer._codebook
            book.embed.copy_(residual[torch.randint(len(residual), (config.bins,))])
            residual = residual - book.dequantize(book.quantize(residual))
    return model


def _latents(model: Any, takes: list[Samples]) -> torch.Tensor:
    """[T, dim] of all takes"""
    return torch.cat([model.encoder(torch.from_numpy(take)[None, None])[0].T for take in takes])
