"""Define what the codec is trained to minimise: error against sound, as SDR, and log-mel distance on three scales."""

from __future__ import annotations

import torch

from models.training.codec_scores import mel_bank, mel_power

SDR_WEIGHT = 0.2  # per dB
SDR_EPS = 0.1  # keeps silent segments finite
MEL_WEIGHT, MEL_FLOOR = 0.35, 1e-9  # 80 dB below a plucked note: a higher floor leaves hiss over clean basses
MEL_SCALES = ((512, 40), (1024, 64), (2048, 80))


class Losses:
    """Computes SDR and multi-scale log-mel L1 between [B, N] and [B, N]."""

    def __init__(self) -> None:
        self.banks = [(n_fft, mel_bank(n_fft, n_mels)) for n_fft, n_mels in MEL_SCALES]

    def __call__(self, wanted: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
        logs = [(self.log_mel(wanted, *bank), self.log_mel(got, *bank)) for bank in self.banks]
        mel = torch.stack([(a - b).abs().mean() for a, b in logs]).mean()
        return MEL_WEIGHT * mel - SDR_WEIGHT * sdr_db(wanted, got).mean()

    @staticmethod
    def log_mel(samples: torch.Tensor, n_fft: int, bank: torch.Tensor) -> torch.Tensor:
        return torch.log(mel_power(samples, n_fft, bank) + MEL_FLOOR)


def sdr_db(wanted: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
    """Return the SDR of [B, N], [B].

    Plain, because the scale-invariant form taught nothing while the outputs were uncorrelated.
    """
    energy, error = (wanted**2).sum(-1), ((wanted - got) ** 2).sum(-1)
    return 10 * torch.log10((energy + SDR_EPS) / (error + SDR_EPS))
