"""Score how good a codec sounds, on held-out takes, and write the model card that says so."""

from __future__ import annotations

import functools
import subprocess
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.codec.net import SAMPLE_RATE, codes_of

Takes = dict[str, list[NDArray[np.float32]]]
Scores = dict[str, Any]


@functools.cache
def mel_bank(n_fft: int, n_mels: int) -> torch.Tensor:
    """Return a mel filter bank, [n_fft // 2 + 1, n_mels]."""
    import librosa

    bank = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=n_fft, n_mels=n_mels, fmin=20.0)
    return torch.from_numpy(np.ascontiguousarray(bank.T, dtype=np.float32))


def mel_power(samples: torch.Tensor, n_fft: int, bank: torch.Tensor) -> torch.Tensor:
    """Return mel power [B, frames, n_mels] of [B, N]."""
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(samples, n_fft, n_fft // 4, window=window, return_complex=True, normalized=True)
    return torch.view_as_real(spectrum).pow(2).sum(-1).transpose(1, 2) @ bank


def si_sdr(wanted: torch.Tensor, got: torch.Tensor) -> float:
    """Return the scale-invariant SDR in dB over a whole take (Le Roux et al. 2019)."""
    target = (wanted @ got) / (wanted @ wanted) * wanted
    return float(10 * torch.log10((target @ target) / ((got - target) @ (got - target))))


def log_mel_distance(wanted: torch.Tensor, got: torch.Tensor) -> float:
    """Return the mean |difference| in dB over 64 mel bands, both floored 80 dB below the take's peak."""
    bank = mel_bank(1024, 64)
    powers = [mel_power(x[None], 1024, bank) for x in (wanted, got)]
    floor = powers[0].max() * 1e-8
    logs = [10 * torch.log10(torch.maximum(power, floor)) for power in powers]
    return float((logs[0] - logs[1]).abs().mean())


def perplexity(codes: torch.Tensor, bins: int) -> list[float]:
    """Return, per codebook of codes [K, T], the number of equally used codes that would have the same entropy."""
    shares = torch.stack([torch.bincount(row, minlength=bins) / len(row) for row in codes])
    return [float(x) for x in torch.exp(-(shares * torch.log(shares.clamp(min=1e-12))).sum(1))]


def used(codes: torch.Tensor, bins: int) -> list[float]:
    return [len(row.unique()) / bins for row in codes]


def score(model: Any, held: Takes, kbps: float) -> Scores:
    """Score a codec: {"kbps", kind: {si_sdr_db, log_mel_db} means over takes, "codes": perplexity and share of codes
    used}.
    """
    model.eval()
    model.set_target_bandwidth(kbps)
    all_codes, table = [], dict[str, Any]()
    for kind, takes in held.items():
        rows = []
        for take in takes:
            wanted = torch.from_numpy(take)
            codes = codes_of(model, wanted)
            with torch.no_grad():
                got = model.decode([(codes[None], None)])[0, 0, : len(wanted)]
            rows.append((si_sdr(wanted, got), log_mel_distance(wanted, got)))
            all_codes.append(codes)
        table[kind] = dict(zip(("si_sdr_db", "log_mel_db"), np.mean(rows, 0).tolist(), strict=True))
    codes, bins = torch.cat(all_codes, 1), model.quantizer.bins
    return {"kbps": kbps, **table, "codes": {"perplexity": perplexity(codes, bins), "used": used(codes, bins)}}


def card(train: dict[str, Any], scores: list[Scores], untrained: Scores) -> str:
    """Return the model card. scores: at the default bitrate first."""
    kinds = [kind for kind in untrained if kind not in ("kbps", "codes")]
    columns = [*scores, untrained]
    head = [f"{s['kbps']:g} kbps" for s in scores] + [f"untrained, {untrained['kbps']:g} kbps"]
    rows = [
        f"| {kind} | " + " | ".join(f"{s[kind]['si_sdr_db']:.1f} / {s[kind]['log_mel_db']:.1f}" for s in columns) + " |"
        for kind in kinds
    ]
    finest = max(scores, key=lambda s: float(s["kbps"]))["codes"]
    books = zip(finest["perplexity"], finest["used"], strict=True)
    use = ", ".join(f"{p:.0f} ({100 * u:.0f}%)" for p, u in books)
    command = f"python -m models.train codec --steps {train['steps']} --seed {train['seed']}"
    return CARD.format(
        command=command,
        commit=commit(),
        train=train,
        head=" | ".join(head),
        rule="---|" * (len(head) + 1),
        rows="\n".join(rows),
        use=use,
    )


def commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


CARD = """# Model card: codec

EnCodec's causal 24 kHz architecture (arXiv:2210.13438; code of the `encodec` package, MIT), small: 8 filters, latents
of 64, 16 codebooks x 1024, 0.75 kbps each at 75 frames a second. 3 kbps (the first 4) is what it was trained for and
what Antiphon uses; the finer ones were fitted to what the first leave over. About 1 M parameters beside the codebooks,
which are kept in half precision. Licence: MIT.

- Made by: `{command}` at commit {commit}; {train}
- Data: lines made of recorded notes (CC0: Karoryfer Samples, Discord GM bank's Killer Bass), of FluidR3_GM's basses
  (MIT), of computed strings and synthesisers, clean and spoiled (rooms, noise, hum, laptops, amplifiers, clipping);
  drummers of the Groove MIDI Dataset (CC-BY-4.0, Gillick et al. 2019) and Freedoom's songs (BSD-3) on FluidR3_GM.
- Held out: the recorded bass `linguine`, the soundfont TimGM6mb, every eighth song of Freedoom
  (`models/sounds/heldout_sounds.py`; seed 1 to choose between runs, seed 0 for this table).
- Losses: SDR, multi-scale log-mel L1, commitment; no adversary. CPU, one thread a process.

Held out, SI-SDR dB / log-mel distance dB (64 bands, floor 80 dB below the take's peak):

| | {head} |
|{rule}
{rows}

Perplexity (share of codes used) of each of the 16 codebooks on the held-out takes, of 1024: {use}.

Not for: speech, other rates, music as a listener would want it. It is an ear for the responder.
"""
