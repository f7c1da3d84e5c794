"""Define the codec's sizes, and read its layers from one of our checkpoints, without torch or the encodec package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from listener.types import FRAME_SAMPLES
from models import checkpoint
from models.codec.layers import Conv, Dtype, Floats, Layer, array, conv_of, fold, lstm_of, residual_of, transposed_of

SAMPLE_RATE = 24_000
LSTM_LAYERS, LSTM_NAMES = 2, ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
ENDS_KERNEL, BLOCK_KERNEL = 7, 3  # of the first and the last convolution; of residual blocks
TRAINING_ONLY = ("inited", "cluster_size", "embed_avg")  # a codebook's running means: codes do not depend on them


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Sizes of a causal EnCodec: n_filters in the first layer, latents of `dim`, n_codebooks of `bins` vectors each.

    The reference 24 kHz model is CodecConfig(n_filters=32, dim=128, n_codebooks=32).
    """

    n_filters: int = 8
    dim: int = 64
    n_codebooks: int = 4
    bins: int = 1024
    ratios: tuple[int, ...] = (8, 5, 4, 2)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CodecConfig:
        """Make a config of a dict. Raises ValueError that names a missing or unknown key."""
        known = asdict(cls())
        if set(values) != set(known):
            raise ValueError(f"codec config has {sorted(values)}, it needs {sorted(known)}; foreign weights?")
        sizes = [value for name, value in values.items() if name != "ratios"] + list(_listed(values["ratios"]))
        if len(sizes) < len(known) or not all(type(size) is int and size > 0 for size in sizes):
            raise ValueError(f"codec config {dict(values)}: sizes must be whole numbers above 0; foreign weights?")
        return cls(**{**values, "ratios": tuple(values["ratios"])})


def _listed(ratios: Any) -> list[Any]:
    return list(ratios) if isinstance(ratios, list | tuple) else []


@dataclass(frozen=True, slots=True)
class CodecParts:
    """A codec folded for playing. books: [bins, dim] each, the first used first."""

    encoder: list[Layer]
    decoder: list[Layer]
    books: list[Floats]
    bins: int
    dim: int


def folded(model: Any, dtype: Dtype) -> CodecParts:
    """Fold an encodec.EncodecModel. ValueError: another architecture than the causal 24 kHz one."""
    if (model.sample_rate, model.channels, model.encoder.hop_length) != (SAMPLE_RATE, 1, FRAME_SAMPLES):
        raise ValueError(
            f"an EnCodec of {model.sample_rate} Hz, {model.channels} channels, {model.encoder.hop_length} samples "
            "a frame: only the causal 24 kHz mono architecture with frames of 320 can be streamed"
        )
    books = [array(layer.codebook, dtype) for layer in model.quantizer.vq.layers]
    encoder, decoder = fold(model.encoder.model, dtype), fold(model.decoder.model, dtype)
    return CodecParts(encoder, decoder, books, model.quantizer.bins, model.quantizer.dimension)


def load_parts(stem: str | Path) -> CodecParts:
    """Read one of our checkpoints, float32: what `folded` makes of `load_encodec`, without torch.

    FileNotFoundError: a file is missing. ValueError: truncated, altered, of another kind or of another size than its
    config says.
    """
    saved = checkpoint.load_arrays(stem, "codec")
    config = CodecConfig.from_dict(saved.config)
    needed = shapes(config)
    arrays = {name: array for name, array in saved.arrays.items() if not name.endswith(TRAINING_ONLY)}
    checkpoint.require_shapes(stem, arrays, needed)
    if np.prod(config.ratios) != FRAME_SAMPLES:
        raise ValueError(f"{stem}: frames of {np.prod(config.ratios)} samples: only frames of 320 can be streamed")
    books = [arrays[f"quantizer.vq.layers.{k}._codebook.embed"] for k in range(config.n_codebooks)]
    encoder, decoder = ([_layer(place, arrays) for place in side(config)] for side in (_encoder, _decoder))
    return CodecParts(encoder, decoder, books, config.bins, config.dim)


def shapes(config: CodecConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array that playing needs, by its name in encodec's state_dict."""
    found: dict[str, tuple[int, ...]] = {
        f"quantizer.vq.layers.{k}._codebook.embed": (config.bins, config.dim) for k in range(config.n_codebooks)
    }
    for place in (*_encoder(config), *_decoder(config)):
        found |= _SHAPES[place.kind](place)
    return found


class _Place(NamedTuple):
    """One of encodec's layers: its name, what it is, channels in and out, kernel and stride, an ELU before it."""

    name: str
    kind: str
    inward: int
    outward: int
    kernel: int = 1
    stride: int = 1
    elu: bool = False


def _encoder(config: CodecConfig) -> list[_Place]:
    width, name = config.n_filters, "encoder.model.{}".format
    places = [_Place(name(0), "conv", 1, width, ENDS_KERNEL)]
    for step, ratio in enumerate(reversed(config.ratios)):
        places.append(_Place(name(3 * step + 1), "residual", width, width))
        places.append(_Place(name(3 * step + 3), "conv", width, 2 * width, 2 * ratio, ratio, True))
        width *= 2
    at = 3 * len(config.ratios) + 1
    places.append(_Place(name(at), "lstm", width, width))
    return [*places, _Place(name(at + 2), "conv", width, config.dim, ENDS_KERNEL, 1, True)]


def _decoder(config: CodecConfig) -> list[_Place]:
    width, name = config.n_filters * 2 ** len(config.ratios), "decoder.model.{}".format
    places = [_Place(name(0), "conv", config.dim, width, ENDS_KERNEL), _Place(name(1), "lstm", width, width)]
    for step, ratio in enumerate(config.ratios):
        places.append(_Place(name(3 * step + 3), "transposed", width, width // 2, 2 * ratio, ratio, True))
        width //= 2
        places.append(_Place(name(3 * step + 4), "residual", width, width))
    return [*places, _Place(name(3 * len(config.ratios) + 3), "conv", width, 1, ENDS_KERNEL, 1, True)]


def _inner(place: _Place) -> tuple[_Place, _Place, _Place]:
    """Return a residual block's two convolutions and its shortcut."""
    width, waist = place.inward, place.inward // 2
    return (
        _Place(f"{place.name}.block.1", "conv", width, waist, BLOCK_KERNEL, elu=True),
        _Place(f"{place.name}.block.3", "conv", waist, width, elu=True),
        _Place(f"{place.name}.shortcut", "conv", width, width),
    )


def _conv_shapes(place: _Place) -> dict[str, tuple[int, ...]]:
    name, first, second = f"{place.name}.conv.conv", place.outward, place.inward
    if place.kind == "transposed":
        name, first, second = f"{place.name}.convtr.convtr", place.inward, place.outward
    norm = (first, 1, 1)
    return {
        f"{name}.weight_v": (first, second, place.kernel),
        f"{name}.weight_g": norm,
        f"{name}.bias": (place.outward,),
    }


def _residual_shapes(place: _Place) -> dict[str, tuple[int, ...]]:
    return {name: shape for inner in _inner(place) for name, shape in _conv_shapes(inner).items()}


def _lstm_shapes(place: _Place) -> dict[str, tuple[int, ...]]:
    gates, found = 4 * place.inward, {}
    for index in range(LSTM_LAYERS):
        for name, shape in zip(LSTM_NAMES, ((gates, place.inward),) * 2 + ((gates,),) * 2, strict=True):
            found[f"{place.name}.lstm.{name}_l{index}"] = shape
    return found


_SHAPES = {
    "conv": _conv_shapes,
    "transposed": _conv_shapes,
    "residual": _residual_shapes,
    "lstm": _lstm_shapes,
}


def _layer(place: _Place, arrays: Mapping[str, Floats]) -> Layer:
    if place.kind == "residual":
        conv, last, shortcut = (_convolution(inner, arrays) for inner in _inner(place))
        return residual_of(conv, last, shortcut)
    if place.kind == "lstm":
        return lstm_of(
            [tuple(arrays[f"{place.name}.lstm.{name}_l{k}"] for name in LSTM_NAMES) for k in range(LSTM_LAYERS)]
        )
    return _convolution(place, arrays)


def _convolution(place: _Place, arrays: Mapping[str, Floats]) -> Conv:
    direction, gain, bias = (arrays[name] for name in _conv_shapes(place))
    if place.kind == "transposed":
        return replace(transposed_of((direction, gain), bias), elu=place.elu)
    return replace(conv_of((direction, gain), bias, place.stride), elu=place.elu)
