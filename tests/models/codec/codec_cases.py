"""Models, sounds and the package's own answers, for the tests of the codec."""

import functools
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from agent.core.paths import shipped
from listener.capture import file_frames
from models.codec.codec import WEIGHTS
from models.codec.net import CodecConfig, build_encodec

SMALL = CodecConfig(n_codebooks=16)
REFERENCE = CodecConfig(n_filters=32, dim=128, n_codebooks=32)  # encodec's 24 kHz model
CLIPS = Path(__file__).parents[4] / "shared" / "listening" / "clips"
BITRATES = (1.5, 3, 6, 12)


def trained_model():
    """The package's model with the trained weights, loaded without our loader's help."""
    model = build_encodec(CodecConfig.from_dict(json.loads(WEIGHTS.with_suffix(".json").read_text())["config"]))
    tensors = load_file(WEIGHTS.with_suffix(".safetensors"))
    missing, unexpected = model.load_state_dict({name: part.float() for name, part in tensors.items()}, strict=False)
    assert not unexpected and all("_codebook" in name and not name.endswith("embed") for name in missing)
    return model.eval()


@functools.cache
def random_model(config, seed=0):
    """Random weights in float64, with codebooks that lie among the model's own latents so that every code matters."""
    torch.manual_seed(seed)
    model = build_encodec(config).double().eval()
    with torch.no_grad():
        latents = model.encoder(torch.from_numpy(noise(2.0, seed=1)).double()[None, None])[0].T
        for layer in model.quantizer.vq.layers:
            layer._codebook.embed.normal_().mul_(latents.std(0)).add_(latents.mean(0))
            latents = latents - layer._codebook.dequantize(layer._codebook.quantize(latents))
    return model


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, round(seconds * 75) * 320).astype(np.float32)


def bass(seconds):
    """Plucked sawtooth-like notes of E1 to E2, one every 0.4 s."""
    t = np.arange(round(seconds * 75) * 320) / 24_000
    note = np.floor(t / 0.4)
    phase = np.cumsum(41.2 * 2 ** ((note * 5 % 13) / 12)) / 24_000
    partials = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    return (0.25 * partials * np.exp(-4 * (t - note * 0.4))).astype(np.float32)


def file_sound(path):
    """As the agent hears a file: mono at 24 kHz, whole frames."""
    return np.concatenate([frame.samples for frame in file_frames(path)])


def take(seconds=60.0):
    """The take that ships."""
    return file_sound(shipped("take.flac"))[: round(seconds * 75) * 320]


def streamed(codec, samples):
    state, codes = codec.initial_state(), []
    for frame in samples.reshape(-1, 320):
        one, state = codec.step(frame, state)
        codes.append(one)
    return np.stack(codes, axis=1)


def streamed_back(codec, codes):
    state, samples = codec.initial_decode_state(), []
    for one in codes.T:
        frame, state = codec.step_decode(one, state)
        samples.append(frame)
    return np.concatenate(samples)


def reference_codes(model, samples, kbps=None):
    """The package's encode at this bitrate [K, T]; None: all its codebooks."""
    model.set_target_bandwidth(kbps or model.target_bandwidths[-1])
    with torch.no_grad():
        return model.encode(torch.from_numpy(samples)[None, None])[0][0][0].numpy()


def reference_samples(model, codes):
    """The package's decoder on its own dequantised codes [320 T]."""
    with torch.no_grad():
        return model.decoder(model.quantizer.decode(torch.from_numpy(codes)[:, None]))[0, 0].numpy()
