"""Build EnCodec's architecture (Défossez et al. 2022, arXiv:2210.13438) at any size, from the encodec package's
modules.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from models import checkpoint
from models.codec.shape import SAMPLE_RATE as SAMPLE_RATE
from models.codec.shape import TRAINING_ONLY as TRAINING_ONLY
from models.codec.shape import CodecConfig as CodecConfig
from models.codec.torchaudio_shim import import_encodec


def build_encodec(config: CodecConfig) -> Any:
    """Return an encodec.EncodecModel with fresh weights: what the package itself builds, in this size."""
    import_encodec()
    from encodec.model import EncodecModel
    from encodec.modules.seanet import SEANetDecoder, SEANetEncoder
    from encodec.quantization.vq import ResidualVectorQuantizer

    shape: dict[str, Any] = {"dimension": config.dim, "n_filters": config.n_filters, "ratios": list(config.ratios)}
    with warnings.catch_warnings():  # encodec 0.1.1 uses the deprecated weight_norm; the user cannot change that
        warnings.filterwarnings("ignore", ".*weight_norm.*", FutureWarning)
        encoder = SEANetEncoder(**shape, norm="weight_norm", causal=True)
        decoder = SEANetDecoder(**shape, norm="weight_norm", causal=True)
    quantizer = ResidualVectorQuantizer(
        dimension=config.dim, n_q=config.n_codebooks, bins=config.bins, kmeans_init=False
    )
    kbps = [0.75 * k for k in range(1, config.n_codebooks + 1)]
    return EncodecModel(encoder, decoder, quantizer, kbps, SAMPLE_RATE, 1, name="antiphon")


def load_encodec(path: str | Path) -> Any:
    """Return the encodec.EncodecModel of one of our checkpoints, in eval mode, float32.

    Tensors may be float16, and what only training needs (TRAINING_ONLY) may be absent. FileNotFoundError: a file is
    missing. ValueError: truncated, altered, of another kind or of another size than its config says.
    """
    saved = checkpoint.load(path, "codec")
    model = build_encodec(CodecConfig.from_dict(saved.config))
    tensors = {name: tensor.float() for name, tensor in saved.tensors.items()}
    for name, tensor in model.state_dict().items():
        if name.endswith(TRAINING_ONLY):
            tensors.setdefault(name, tensor)
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{path}: NaN or infinity in {broken[0]}; {checkpoint.RETRAIN}")
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{path}: weights do not fit their config ({reason}); {checkpoint.RETRAIN}") from None
    return model.eval()


def codes_of(model: Any, samples: torch.Tensor) -> torch.Tensor:
    """Encode [N] to codes [K, T] by encodec's own offline encode."""
    with torch.no_grad():
        codes: torch.Tensor = model.encode(samples[None, None])[0][0][0]
    return codes
