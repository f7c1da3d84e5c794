"""Train the small EnCodec on CPU: `python -m models.train codec`. Seeded, resumable, Ctrl-C keeps what is learnt.

Order (what failed otherwise is in ../shared/FACTS.md): data-dependent initialisation, a plain autoencoder for
the first 45% of the steps, k-means of the latents into the codebooks, then residual VQ with EMA codebooks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models import checkpoint
from models.codec_data import Pool, build_pools, segments
from models.codec_net import CodecConfig, build_encodec
from models.codec_scores import card, mel_bank, mel_power, score

PLAIN_SHARE = 0.45  # of the steps without quantiser
WAVE_SHARE = 0.15  # of the steps on SDR alone: the mel loss at first rewards sound of any phase
MEL_WEIGHT = 0.2
KMEANS_POOL, PER_BATCH = 12_000, 240  # latents
DEAD_CODE = 0.02  # EMA cluster size below which a code is replaced
SAVE_EVERY, EXPIRE_EVERY, WARMUP = 200, 50, 100
INITIAL_DEVIATION = 0.3  # small: ELU is then nearly linear, and a linear codec is a good beginning
SDR_EPS = 0.1  # keeps silent segments finite
MEL_SCALES = ((512, 40), (1024, 64), (2048, 80))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    steps: int = 1900
    batch: int = 8
    frames: int = 30  # per segment: 0.4 s
    learning_rate: float = 1.5e-3
    seed: int = 0


class Losses:
    """SDR and multi-scale log-mel L1 between [B, N] and [B, N]."""

    def __init__(self) -> None:
        self.banks = [(n_fft, mel_bank(n_fft, n_mels)) for n_fft, n_mels in MEL_SCALES]

    def __call__(self, wanted: torch.Tensor, got: torch.Tensor, with_mel: bool) -> torch.Tensor:
        loss = -0.2 * sdr_db(wanted, got).mean()
        if with_mel:
            logs = [(self.log_mel(wanted, *bank), self.log_mel(got, *bank)) for bank in self.banks]
            loss = loss + MEL_WEIGHT * sum((a - b).abs().mean() for a, b in logs) / len(logs)
        return loss

    @staticmethod
    def log_mel(samples: torch.Tensor, n_fft: int, bank: torch.Tensor) -> torch.Tensor:
        return torch.log(mel_power(samples, n_fft, bank) + 1e-5)


def sdr_db(wanted: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
    """[B, N] -> [B]; plain, because the scale-invariant form taught nothing while the outputs were uncorrelated."""
    energy, error = (wanted**2).sum(-1), ((wanted - got) ** 2).sum(-1)
    return 10 * torch.log10((energy + SDR_EPS) / (error + SDR_EPS))


class Trainer:
    """Model, optimiser and step count; every step's data depend on (seed, step) only, so a resumed run repeats."""

    def __init__(self, config: TrainConfig, net: CodecConfig, pool: Pool) -> None:
        torch.manual_seed(config.seed)
        self.config, self.pool, self.step, self.net = config, pool, 0, net
        self.model = build_encodec(net)
        self.model.quantizer.vq.layers.apply(_no_expiry)
        self.losses = Losses()
        initialise_from_data(self.model, self.batch(0))
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99))

    @property
    def quantised(self) -> bool:
        return self.step >= int(PLAIN_SHARE * self.config.steps)

    def batch(self, step: int) -> torch.Tensor:
        rng = np.random.default_rng([self.config.seed, step])
        return torch.from_numpy(segments(self.pool, self.config.batch, self.config.frames, rng))

    def train_step(self) -> dict[str, float]:
        if self.step == int(PLAIN_SHARE * self.config.steps):
            initialise_codebooks(self.model, self.latent_pool())
        samples = self.batch(self.step)
        latents = self.model.encoder(samples[:, None])
        quantised, penalty = latents, torch.zeros(())
        if self.quantised:
            result = self.model.quantizer(latents, self.model.frame_rate)
            quantised, penalty = result.quantized, result.penalty
            if self.step % EXPIRE_EVERY == 0:
                expire_codes(self.model, latents.detach(), self.step)
        got = self.model.decoder(quantised)[:, 0]
        with_mel = self.step >= WAVE_SHARE * self.config.steps
        self.descend(self.losses(samples, got, with_mel) + penalty)
        self.step += 1
        return {"sdr": float(sdr_db(samples, got.detach()).mean()), "commit": float(penalty.detach())}

    def descend(self, loss: torch.Tensor) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if torch.isfinite(norm):
            self.optimiser.step()

    def learning_rate(self) -> float:
        decay = 0.5 * (1 + np.cos(np.pi * self.step / self.config.steps))
        return self.config.learning_rate * min(1.0, (self.step + 1) / WARMUP) * float(0.03 + 0.97 * decay)

    def latent_pool(self) -> torch.Tensor:
        """[KMEANS_POOL, D]"""
        per_batch = self.config.batch * self.config.frames
        with torch.no_grad():
            latents = [
                self.model.encoder(self.batch(1_000_000 + i)[:, None]).transpose(1, 2).flatten(0, 1)
                for i in range(-(-KMEANS_POOL // per_batch))
            ]
        return torch.cat(latents)[:KMEANS_POOL]

    def save(self, stem: Path) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        config = {"train": asdict(self.config), "net": asdict(self.net), "step": self.step}
        checkpoint.save(stem, tensors, config, "Resumable state of models.train_codec.\n", "codec-training")

    def resume(self, stem: Path) -> None:
        saved = checkpoint.load(stem, "codec-training")
        if saved.config["train"] != asdict(self.config):
            raise ValueError(f"{stem}: begun with {saved.config['train']}, not {asdict(self.config)}; use --fresh")
        model, adam = _split(saved.tensors)
        self.model.load_state_dict(model)
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        self.step = int(saved.config["step"])


def _split(tensors: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[int, Any]]:
    model = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    adam: dict[int, Any] = {}
    for name, tensor in tensors.items():
        if name.startswith("adam."):
            _, index, slot = name.split(".")
            adam.setdefault(int(index), {})[slot] = tensor
    return model, adam


def _no_expiry(module: nn.Module) -> None:
    # encodec's own expiry replaces a code and then overwrites it from its EMA: expire_codes does both
    if hasattr(module, "threshold_ema_dead_code"):
        module.threshold_ema_dead_code = 0  # type: ignore[assignment]


def initialise_from_data(model: Any, samples: torch.Tensor) -> None:
    """Every convolution's output channels get mean 0 and variance 1, the last one the sound's deviation
    (Salimans & Kingma 2016, section 3; a transposed convolution, whose gains are per input, one scale)."""
    convs = [m for m in model.modules() if hasattr(m, "weight_g")]
    last = convs[-1]

    def rescale(conv: Any, _: Any, output: torch.Tensor) -> torch.Tensor:
        mean = output.mean((0, 2), keepdim=True)
        per_channel = isinstance(conv, nn.Conv1d) and conv is not last
        deviation = (output - mean).std((0, 2), keepdim=True) if per_channel else (output - mean).std()
        factor = (samples.std() if conv is last else INITIAL_DEVIATION) / (deviation + 1e-6)
        conv.bias.data.sub_(mean.flatten()).mul_(factor.flatten())
        conv.weight_g.data.mul_(factor.reshape(-1, 1, 1))
        return (output - mean) * factor

    hooks = [conv.register_forward_hook(rescale) for conv in convs]
    with torch.no_grad():
        model.decoder(model.encoder(samples[:, None]))
    for hook in hooks:
        hook.remove()


def codebooks(model: Any) -> list[Any]:
    return [layer._codebook for layer in model.quantizer.vq.layers]


def initialise_codebooks(model: Any, latents: torch.Tensor, rounds: int = 12) -> None:
    """k-means, codebook after codebook, on what the ones before left over; latents [N, D]."""
    residual, generator = latents, torch.Generator().manual_seed(len(latents))
    for book in codebooks(model):
        centres = residual[torch.randperm(len(residual), generator=generator)[: book.codebook_size]]
        for _ in range(rounds):
            nearest = torch.cdist(residual, centres).argmin(1)
            counts = torch.bincount(nearest, minlength=len(centres))
            sums = torch.zeros_like(centres).index_add_(0, nearest, residual)
            centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
        book.embed.data.copy_(centres)
        book.cluster_size.data.copy_((counts / len(residual) * PER_BATCH).clamp(min=DEAD_CODE))
        book.embed_avg.data.copy_(centres * book.cluster_size[:, None])
        residual = residual - centres[torch.cdist(residual, centres).argmin(1)]


def expire_codes(model: Any, latents: torch.Tensor, seed: int) -> None:
    """Codes that hardly anything chooses move to leftovers of this batch; latents [B, D, T]."""
    generator = torch.Generator().manual_seed(seed)
    residual = latents.transpose(1, 2).flatten(0, 1)
    for book in codebooks(model):
        dead = torch.nonzero(book.cluster_size < DEAD_CODE)[:, 0]
        if len(dead):
            chosen = torch.randint(len(residual), (len(dead),), generator=generator)
            book.embed[dead] = residual[chosen]
            book.cluster_size[dead] = 5 * DEAD_CODE
            book.embed_avg[dead] = residual[chosen] * 5 * DEAD_CODE
        residual = residual - book.dequantize(book.quantize(residual))


def main(argv: Sequence[str] | None = None) -> int:
    args = parse(argv)
    torch.set_num_threads(1)
    config = TrainConfig(steps=args.steps, learning_rate=args.learning_rate, seed=args.seed)
    train, held = build_pools(args.shared, args.seed)
    trainer = Trainer(config, CodecConfig(), train)
    untrained = score(trainer.model, held)
    state = args.work / "state"
    if state.with_suffix(".json").exists() and not args.fresh:
        trainer.resume(state)
    finished = run(trainer, state)
    if not finished:
        print(f"stopped at step {trainer.step}; the same command goes on from there", file=sys.stderr)
        return 130
    publish(trainer, args.out, score(trainer.model, held), untrained)
    return 0


def publish(trainer: Trainer, out: Path, trained: dict[str, Any], untrained: dict[str, Any]) -> None:
    text = card(asdict(trainer.config), trained, untrained)
    checkpoint.save(out, trainer.model.state_dict(), asdict(trainer.net), text, "codec")
    print(text)


def run(trainer: Trainer, state: Path) -> bool:
    """Train to the end or to Ctrl-C; True when finished."""
    from tqdm import tqdm

    means = {"sdr": 0.0, "commit": 0.0}
    bar = tqdm(total=trainer.config.steps, initial=trainer.step, desc="codec", mininterval=5)
    try:
        while trainer.step < trainer.config.steps:
            for name, value in trainer.train_step().items():
                means[name] += 0.02 * (value - means[name])
            bar.set_postfix({name: f"{value:.2f}" for name, value in means.items()}, refresh=False)
            bar.update()
            if trainer.step % SAVE_EVERY == 0:
                trainer.save(state)
    except KeyboardInterrupt:
        trainer.save(state)
        return False
    finally:
        bar.close()
    return True


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.train codec", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/")
    parser.add_argument("--out", type=Path, default=Path("models/weights/codec"), help="where the weights go")
    parser.add_argument("--work", type=Path, default=Path("checkpoints/codec"), help="where the state is kept")
    parser.add_argument("--steps", type=int, default=TrainConfig().steps)
    parser.add_argument("--seed", type=int, default=TrainConfig().seed)
    parser.add_argument("--learning-rate", type=float, default=TrainConfig().learning_rate)
    parser.add_argument("--fresh", action="store_true", help="begin again instead of resuming")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
