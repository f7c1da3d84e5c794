"""Train the small EnCodec on CPU: `python -m models.train codec`. Seeded, resumable, Ctrl-C keeps what is learnt.

Order (codec_init.py says what failed otherwise): a linear transform codec to begin with, a few steps as a plain
autoencoder, k-means of the latents into the codebooks, then residual VQ with EMA codebooks. Only the first
`trained_books` codebooks take part; the finer ones are fitted to what is left over at the end. Processes share each
step: every one has its own segments, gradients and codebook statistics are averaged.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn

from models import checkpoint
from models.codec.net import CodecConfig, build_encodec, load_encodec
from models.sounds.codec_sounds import Corpus, Sources, build
from models.sounds.heldout_sounds import held_out
from models.training.codec_books import book_buffers, expire_codes, initialise_codebooks, no_expiry
from models.training.codec_init import initialise_as_klt
from models.training.codec_losses import Losses, sdr_db
from models.training.codec_scores import card, score
from models.training.stopping import StopRequest

PLAIN_SHARE = 0.012  # of the steps without quantiser
COARSE_SHARE = 0.1  # of the quantised steps with half the codebooks
KMEANS_POOL = 16_000  # latents
SAVE_EVERY, EXPIRE_EVERY, WARMUP = 500, 50, 100
INITIAL_SEGMENTS, INITIAL_FRAMES = 48, 75
POOL_STEP = 1_000_000  # the steps whose segments fill the codebooks: none that is trained on


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a codec's training."""

    steps: int = 9_000
    batch: int = 8  # per process
    frames: int = 40  # per segment: 0.53 s
    learning_rate: float = 6e-4
    trained_books: int = 4
    processes: int = 2
    seed: int = 0


class Trainer:
    """Holds model, optimiser and step count.

    The data of a step depend on (seed, step, rank) only, so that a resumed run gives the same result.
    """

    def __init__(self, config: TrainConfig, net: CodecConfig, corpus: Corpus, rank: int = 0) -> None:
        torch.manual_seed(config.seed)
        self.config, self.corpus, self.rank, self.step, self.net = config, corpus, rank, 0, net
        self.model = build_encodec(net)
        no_expiry(self.model)
        self.losses = Losses()
        initialise_as_klt(self.model, self.sound_to_begin_with())
        self.agree()
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99))

    @property
    def first_quantised(self) -> int:
        return int(PLAIN_SHARE * self.config.steps)

    def batch(self, step: int, rank: int | None = None) -> torch.Tensor:
        rng = np.random.default_rng([self.config.seed, step, self.rank if rank is None else rank])
        return torch.from_numpy(self.corpus.segments(self.config.batch, self.config.frames, rng))

    def sound_to_begin_with(self) -> torch.Tensor:
        rng = np.random.default_rng([self.config.seed, POOL_STEP])
        return torch.from_numpy(self.corpus.segments(INITIAL_SEGMENTS, INITIAL_FRAMES, rng))

    def agree(self) -> None:
        """Start every process with the first one's weights."""
        if self.config.processes > 1:
            for tensor in self.model.state_dict().values():
                dist.broadcast(tensor, 0)

    def train_step(self, stop: bool = False) -> tuple[dict[str, float], bool]:
        """Make one step; return what to show, and whether any process was asked to stop."""
        if self.step == self.first_quantised:
            initialise_codebooks(self.model, self.latent_pool(), self.config.trained_books)
        samples = self.batch(self.step)
        latents = self.model.encoder(samples[:, None])
        quantised, penalty = latents, torch.zeros(())
        if self.step >= self.first_quantised:
            quantised, _, penalties = self.model.quantizer.vq(latents, n_q=self.books_now())
            penalty = penalties.mean()
        got = self.model.decoder(quantised)[:, 0]
        stopped = self.descend(self.losses(samples, got) + penalty, stop)
        if self.step >= self.first_quantised:
            self.share_codebooks()
            if self.step % EXPIRE_EVERY == 0:
                pool = self.model.encoder(self.batch(self.step, rank=0)[:, None]).detach()
                expire_codes(self.model, pool, self.config.trained_books, self.step)
        self.step += 1
        return {"sdr": float(sdr_db(samples, got.detach()).mean()), "commit": float(penalty.detach())}, stopped

    def books_now(self) -> int:
        """Return how many codebooks this step uses: mostly all, now and then the first half, so that it works alone."""
        coarse = np.random.default_rng([self.config.seed, self.step]).random() < COARSE_SHARE
        return max(1, self.config.trained_books // 2) if coarse else self.config.trained_books

    def descend(self, loss: torch.Tensor, stop: bool) -> bool:
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=False)
        torch.autograd.backward(loss)
        grads = [p.grad for p in self.model.parameters() if p.grad is not None]
        stopped = self.average([*grads, torch.tensor([float(stop)])])
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        return stopped

    def average(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Average in place over the processes; return True when the last tensor is not 0."""
        if self.config.processes > 1:
            flat = torch.cat([t.flatten() for t in tensors]) / self.config.processes
            dist.all_reduce(flat)
            for tensor, mean in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
                tensor.copy_(mean.view_as(tensor))
        return bool(tensors[-1].flatten()[-1] != 0)

    def share_codebooks(self) -> None:
        if self.config.processes > 1:
            self.average(book_buffers(self.model, self.config.trained_books))

    def learning_rate(self) -> float:
        decay = 0.5 * (1 + np.cos(np.pi * min(1.0, self.step / self.config.steps)))
        return self.config.learning_rate * min(1.0, (self.step + 1) / WARMUP) * float(0.02 + 0.98 * decay)

    def latent_pool(self, size: int = KMEANS_POOL) -> torch.Tensor:
        """Return latents [size, D]."""
        per_batch = self.config.batch * self.config.frames
        with torch.no_grad():
            latents = [
                self.model.encoder(self.batch(POOL_STEP + i, rank=0)[:, None]).transpose(1, 2).flatten(0, 1)
                for i in range(-(-size // per_batch))
            ]
        return torch.cat(latents)[:size]

    def save(self, stem: Path) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        config = {"train": asdict(self.config), "net": asdict(self.net), "step": self.step}
        checkpoint.save(stem, tensors, config, "Resumable state of models/training/codec.py.\n", "codec-training")

    def go_on_from(self, stem: Path) -> None:
        """Begin a further round with the model of a finished one, codebooks and all."""
        self.model.load_state_dict(_split(checkpoint.load(stem, "codec-training").tensors)[0])
        self.step = self.first_quantised + 1

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


def work(rank: int, args: argparse.Namespace, config: TrainConfig, meeting: str) -> None:
    """Run one process; the first one shows the progress, saves and publishes."""
    stop = StopRequest()
    torch.set_num_threads(1)
    if config.processes > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=config.processes)
    trainer = Trainer(config, CodecConfig(n_codebooks=args.books), Corpus(args.data), rank)
    untrained = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    state = args.work / "state"
    if state.with_suffix(".json").exists() and not args.fresh:
        trainer.resume(state)
    elif args.begin:
        trainer.go_on_from(args.begin)
    finished = run(trainer, state, stop)
    if rank == 0 and finished:
        publish(trainer, untrained, args)
    elif rank == 0:
        print(f"stopped at step {trainer.step}; the same command goes on from there", file=sys.stderr)
    if config.processes > 1:
        dist.destroy_process_group()


def run(trainer: Trainer, state: Path, stop: StopRequest) -> bool:
    """Train to the end or to a request to stop; True when finished."""
    from tqdm import tqdm

    first = trainer.rank == 0
    means = {"sdr": 0.0, "commit": 0.0}
    with tqdm(
        total=trainer.config.steps, initial=trainer.step, desc="codec", mininterval=5, disable=not first
    ) as progress:
        while trainer.step < trainer.config.steps:
            shown, stopped = trainer.train_step(stop.asked)
            for name, value in shown.items():
                means[name] += 0.02 * (value - means[name])
            progress.set_postfix({name: f"{value:.2f}" for name, value in means.items()}, refresh=False)
            progress.update()
            if first and (stopped or trainer.step % SAVE_EVERY == 0):
                trainer.save(state)
            if stopped:
                return False
    return True


def publish(trainer: Trainer, untrained: dict[str, torch.Tensor], args: argparse.Namespace) -> None:
    """Fit the finer codebooks, write the weights, score what was written on the held-out sound, write the card."""
    pool, books = trainer.latent_pool(2 * KMEANS_POOL), trainer.net.n_codebooks
    initialise_codebooks(trainer.model, pool, books, kept=trainer.config.trained_books)
    write(trainer, args.out, "Not scored yet.\n")
    held, model = held_out(args.shared, seed=0), load_encodec(args.out)
    scores = [score(model, held, kbps) for kbps in (3.0, 1.5, 6.0, 12.0)]
    model.load_state_dict(untrained)
    text = card(asdict(trainer.config), scores, score(model, held, 3.0))
    write(trainer, args.out, text)
    print(text)


def write(trainer: Trainer, stem: Path, text: str) -> None:
    checkpoint.save(stem, shipped(trainer.model.state_dict()), asdict(trainer.net), text, "codec")


def shipped(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights without the statistics of training, the codebooks in half precision: 6 MB instead of 12."""
    wanted = {name: t for name, t in tensors.items() if not name.endswith(("inited", "cluster_size", "embed_avg"))}
    return {name: t.half() if name.endswith("embed") else t for name, t in wanted.items()}


def main(argv: Sequence[str] | None = None) -> int:
    args = parse(argv)
    config = TrainConfig(steps=args.steps, learning_rate=args.learning_rate, processes=args.processes, seed=args.seed)
    if len(list(args.data.glob("*.npy"))) < args.items:
        build(args.data, Sources.load(args.shared), range(args.items), args.seed)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"{folder}/meeting"
        spawn(work, (args, config, meeting), nprocs=config.processes)  # type: ignore[no-untyped-call]
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.train codec", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/")
    parser.add_argument("--data", type=Path, default=Path("data_cache/codec"), help="where the items are kept")
    parser.add_argument("--out", type=Path, default=Path("models/weights/codec"), help="where the weights go")
    parser.add_argument("--work", type=Path, default=Path("checkpoints/codec"), help="where the state is kept")
    parser.add_argument("--begin", type=Path, help="state of a finished run to go on from, in a further round")
    parser.add_argument("--items", type=int, default=4200, help="items of 8 s to train on, made when missing")
    parser.add_argument("--books", type=int, default=16, help="codebooks to ship, 0.75 kbps each")
    parser.add_argument("--steps", type=int, default=TrainConfig().steps)
    parser.add_argument("--processes", type=int, default=TrainConfig().processes)
    parser.add_argument("--seed", type=int, default=TrainConfig().seed)
    parser.add_argument("--learning-rate", type=float, default=TrainConfig().learning_rate)
    parser.add_argument("--fresh", action="store_true", help="begin again instead of resuming")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
