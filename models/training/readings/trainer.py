"""Train the readings of the metrical level: `python -m models.train readings` writes listener/weights/readings.*

The samples are made first, by `python -m benchmarks.inputs.reading_samples`. Seeded; it takes minutes, so it is not
resumable. With --onto further networks are fitted to what those of a file leave unexplained, and joined to them.
"""

from __future__ import annotations

import argparse
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from listener.paths import WEIGHTS as LISTENER_WEIGHTS
from models import checkpoint
from models.paths import DATA_CACHE

KIND = "readings"
WEIGHTS = LISTENER_WEIGHTS / KIND
CACHE = DATA_CACHE / "readings.npz"
PULSE, BAR = 1, 2  # bits of a label, as benchmarks/inputs/reading_samples.py writes them
SONG_WEIGHT, OTHER_WEIGHT = 1.5, 0.9
RARE_WEIGHT = 0.3  # times OTHER_WEIGHT: mixed made lines of compound and triple meters, which songs seldom have
FURTHER_WEIGHT = 2.5  # of songs and of plain kinds, against rare kinds, for networks fitted onto others
RARE_KINDS = ("six", "nine", "twelve", "waltz", "walking in three", "five", "seven", "eleven")
JUDGE_EPOCHS = 2  # of the network that chooses the wrong readings which are hard to tell
NEVER = -1e9
HELD_OF = 5

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of the readings' training. dropped: share of features; right, wrong, others: most readings of a sample.

    nets: how many small networks, by other seeds, are averaged; one larger one learns the few songs by heart.
    """

    nets: int = 6
    epochs: int = 4
    batch: int = 32
    hidden: int = 12
    learning_rate: float = 2e-3
    warmup: int = 30
    weight_decay: float = 0.03
    dropped: float = 0.2
    right: int = 60
    wrong: int = 200
    others: int = 60
    seed: int = 3


FURTHER = TrainConfig(nets=4, epochs=8, hidden=16, learning_rate=3e-3, weight_decay=0.3, right=60, wrong=200)


@dataclass(frozen=True)
class Sample:
    """Readings of a line at one moment. features [n, SIZE], labels [n]: bits PULSE and BAR; name: of the line."""

    features: NDArray[np.float16]
    labels: NDArray[np.uint8]
    name: str
    time_s: float


@dataclass(frozen=True)
class Batch:
    """Samples side by side. x [B, N, SIZE] float16, labels [B, N] (0 where padded), there [B, N], weight [B]; base
    [B, N]: scores that others gave, to which those fitted are added.
    """

    x: Tensor
    labels: Tensor
    there: Tensor
    weight: Tensor
    base: Tensor

    def at(self, rows: Tensor) -> Batch:
        return Batch(self.x[rows], self.labels[rows], self.there[rows], self.weight[rows], self.base[rows])


@dataclass(frozen=True)
class Fitted:
    """The network as it ships, and the mean loss of every epoch."""

    tensors: dict[str, Tensor]
    losses: list[float] = field(default_factory=list)

    def log_odds(self, batch: Batch) -> Tensor:
        return log_odds(self.tensors, batch, (batch.x.float() - self.tensors["mean"]) / self.tensors["deviation"])

    def scores(self, sample: Sample) -> NDArray[np.float32]:
        x = (torch.from_numpy(sample.features).float() - self.tensors["mean"]) / self.tensors["deviation"]
        return np.asarray(scores_of(self.tensors, x).numpy())


def read(path: Path) -> list[Sample]:
    """Return the samples of a file. Raises FileNotFoundError."""
    with np.load(path) as file:
        ends = np.cumsum(file["counts"])[:-1]
        parts = np.split(file["features"], ends), np.split(file["labels"], ends)
        rows = zip(*parts, file["names"].tolist(), file["times_s"].tolist(), strict=True)
        return [Sample(features, labels, name, time_s) for features, labels, name, time_s in rows]


def weight_of(name: str) -> float:
    """Return how much a sample of a line counts, by the line's name: "song:...", "mma:...", "mixed:6/8"."""
    source, _, rest = name.partition(":")
    if source == "song":
        return SONG_WEIGHT
    return OTHER_WEIGHT * (RARE_WEIGHT if source == "mixed" and rest not in ("4/4", "2/4") else 1.0)


def further_weight_of(name: str) -> float:
    """Return the same for networks that are fitted onto others."""
    source, _, rest = name.partition(":")
    return 1.0 if source != "song" and rest.startswith(RARE_KINDS) else FURTHER_WEIGHT


def pack(
    samples: Sequence[Sample],
    config: TrainConfig,
    random: Random | None,
    onto: Fitted | None = None,
    judges: Sequence[Fitted] = (),
) -> Batch:
    """Put samples side by side. random: draws the wrong readings that are kept; None: all are.

    onto: what further networks are fitted onto. judges: of config.wrong readings each chooses its share, those that it
    takes for likeliest, and config.others are drawn beside them; without judges all are drawn.
    """
    chosen = [np.arange(len(s.labels)) for s in samples]
    if random is not None:
        for i, sample in enumerate(samples):
            wrong = np.flatnonzero(sample.labels == 0)
            share = config.wrong // max(len(judges), 1)
            likely = [wrong[np.argsort(-judge.scores(sample)[wrong])[:share]] for judge in judges]
            hard = np.unique(np.concatenate([*likely, wrong[:0]]))
            rest, count = np.setdiff1d(wrong, hard), config.others if judges else config.wrong
            drawn = random.choice(rest, min(count, len(rest)), replace=False)
            right = np.concatenate([np.flatnonzero(sample.labels & BAR), np.flatnonzero(sample.labels == PULSE)])
            chosen[i] = np.concatenate([right[: config.right], hard, drawn])
    shape = len(samples), max(map(len, chosen))
    x = np.zeros((*shape, samples[0].features.shape[1]), np.float16)
    labels, there, base = np.zeros(shape, np.uint8), np.zeros(shape, bool), np.zeros(shape, np.float32)
    for i, (sample, rows) in enumerate(zip(samples, chosen, strict=True)):
        x[i, : len(rows)], labels[i, : len(rows)] = sample.features[rows], sample.labels[rows]
        there[i, : len(rows)] = True
        if onto:
            base[i, : len(rows)] = onto.scores(sample)[rows]
    weight = torch.tensor([(further_weight_of if onto else weight_of)(s.name) for s in samples])
    tensors = torch.from_numpy(x), torch.from_numpy(labels), torch.from_numpy(there)
    return Batch(*tensors, weight, torch.from_numpy(base))


def scores_of(net: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the scores of readings [...]; x: standardised features [..., SIZE]. The same as listener's `Reader`."""
    return x @ net["linear"] + torch.tanh(x @ net["hidden"] + net["hidden_bias"]) @ net["out"]


def log_odds(net: dict[str, Tensor], batch: Batch, x: Tensor) -> Tensor:
    """Return log-probabilities of the readings [B, N]; x: standardised features."""
    return torch.log_softmax((batch.base + scores_of(net, x)).masked_fill(~batch.there, NEVER), 1)


def likelihoods(odds: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-probabilities [B] of the right pulse and of the right bar; the bar's is 0 where none is right."""
    pulse, bar = (torch.logsumexp(odds.masked_fill((labels & bit) == 0, NEVER), 1) for bit in (PULSE, BAR))
    return pulse, torch.where(((labels & BAR) > 0).any(1), bar, torch.zeros_like(bar))


def fit(samples: Sequence[Sample], config: TrainConfig, onto: Fitted | None = None) -> Fitted:
    """Fit the networks and join them to one; the same for the same seed. Raises ValueError for fewer than a batch.

    A first network, of few epochs, chooses the wrong readings that are hard to tell. onto: what they are fitted onto
    and joined to; its choice of the bar stays.
    """
    if len(samples) < config.batch:
        raise ValueError(f"{len(samples)} samples; at least {config.batch} are needed, one batch")
    random, judges = np.random.default_rng(config.seed), [onto] if onto else []
    batch = pack(samples, config, random, onto, judges)
    known = batch.x[::4][batch.there[::4]].float()
    mean, deviation = known.mean(0), known.std(0) + 0.05
    if onto:
        mean, deviation = onto.tensors["mean"], onto.tensors["deviation"]
    first = _fit(batch, mean, deviation, replace(config, epochs=JUDGE_EPOCHS), config.seed - 1)
    judges.append(Fitted(_joined([first.tensors], mean, deviation, onto)))
    batch = pack(samples, config, random, onto, judges)
    fitted = [_fit(batch, mean, deviation, config, config.seed + i) for i in range(config.nets)]
    tensors = _joined([f.tensors for f in fitted], mean, deviation, onto)
    return Fitted(tensors, np.mean([f.losses for f in fitted], axis=0).tolist())


def _joined(
    nets: Sequence[dict[str, Tensor]], mean: Tensor, deviation: Tensor, onto: Fitted | None
) -> dict[str, Tensor]:
    """Return the mean of networks, added to those of onto, as one network with a head for the pulse and one for the
    bar; the same without onto, which keeps its own for the bar.
    """
    joined = {
        "linear": torch.stack([net["linear"] for net in nets]).mean(0),
        "hidden": torch.cat([net["hidden"] for net in nets], 1),
        "hidden_bias": torch.cat([net["hidden_bias"] for net in nets]),
        "out": torch.cat([net["out"] for net in nets]) / len(nets),
        "mean": mean,
        "deviation": deviation,
    }
    if onto is None:
        return joined | {"bar_linear": joined["linear"].clone(), "bar_out": joined["out"].clone()}
    before, bars = onto.tensors, torch.zeros_like(joined["out"])
    joined["linear"] = joined["linear"] + before["linear"]
    for name, along in (("hidden", 1), ("hidden_bias", 0), ("out", 0)):
        joined[name] = torch.cat([before[name], joined[name]], along)
    return joined | {"bar_linear": before["bar_linear"], "bar_out": torch.cat([before["bar_out"], bars])}


def _fit(batch: Batch, mean: Tensor, deviation: Tensor, config: TrainConfig, seed: int) -> Fitted:
    """Fit one network to features that are standardised by mean and deviation."""
    torch.manual_seed(seed)
    random, (count, _, size) = np.random.default_rng(seed), batch.x.shape
    net = {
        "linear": torch.zeros(size),
        "hidden": torch.randn(size, config.hidden) / 8,
        "hidden_bias": torch.zeros(config.hidden),
        "out": torch.zeros(config.hidden),
    }
    for tensor in net.values():
        tensor.requires_grad_()
    optimiser = torch.optim.AdamW(net.values(), lr=config.learning_rate, weight_decay=config.weight_decay)
    per_epoch = count // config.batch
    losses, step = list[float](), 0
    for _ in range(config.epochs):
        order, total = torch.from_numpy(random.permutation(count)), 0.0
        for rows in order[: per_epoch * config.batch].view(per_epoch, config.batch):
            now = batch.at(rows)
            kept = torch.rand(size) > config.dropped
            pulse, bar = likelihoods(log_odds(net, now, (now.x.float() - mean) / deviation * kept), now.labels)
            loss = -(now.weight * (pulse + bar)).mean()
            rate = min(1.0, (step + 1) / config.warmup) * (1 - step / (config.epochs * per_epoch))
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * rate + 1e-5
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            total, step = total + loss.item(), step + 1
        losses.append(total / per_epoch)
    return Fitted({name: tensor.detach().clone() for name, tensor in net.items()}, losses)


def scores(fitted: Fitted, samples: Sequence[Sample], config: TrainConfig) -> dict[str, float]:
    """Return how often the most probable reading has the right pulse, and the right bar where one is among them."""
    pulse, bar = list[bool](), list[bool]()
    for sample in samples:
        label = int(sample.labels[int(fitted.log_odds(pack([sample], config, None)).argmax())])
        pulse.append(bool(label & PULSE))
        if (sample.labels & BAR).any():
            bar.append(bool(label & BAR))
    return {"pulse": float(np.mean(pulse)), "bar": float(np.mean(bar))} if pulse and bar else {}


def is_held(name: str) -> bool:
    """Return whether a song is held out: a fifth of them, by name, whatever other songs there are."""
    return name.startswith("song:") and zlib.crc32(name.encode()) % HELD_OF == 0


def split(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Return the samples to learn, and those of the songs held out."""
    return [s for s in samples if not is_held(s.name)], [s for s in samples if is_held(s.name)]


def card(learned: Sequence[Sample], held: Sequence[Sample], figures: dict[str, float], config: TrainConfig) -> str:
    sources = Counter(s.name.partition(":")[0] for s in learned)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(sources.items()))
    found = f"On {len({s.name for s in held})} songs held out ({len(held)} moments with a right reading): " + ", ".join(
        f"{name} right {value:.2f}" for name, value in figures.items()
    )
    settings = ", ".join(f"{name} {value:g}" for name, value in asdict(config).items())
    return f"""# readings: which pulse a player would tap, and where its bar begins

A linear term and one hidden layer of {config.hidden * config.nets} (tanh; {config.nets} networks averaged) over the
features of `listener/rhythm/reading_kernels.py` score each reading of the line (pulse, place of the bar line, meter);
a softmax gives their probabilities.

## Data and licences
Notes only, no sound; timing scattered (0 to 10 ms), 2% of the notes missed, added or misnamed, tempi of songs scaled.
Samples by source: {counts}.
- song: basses of shared/data/band: freedoom (BSD-3), simutrans (Artistic-1.0), tanner (CC BY 4.0), easyrpg (CC BY 4.0,
  CC0), without every song of shared/band_score;
- mma: basses of shared/data/band/mma (made with MMA's grooves, GPL-2+);
- made, mixed, kind: made lines of `benchmarks/inputs/reading_samples.py`.

## Made with
`python -m benchmarks.inputs.reading_samples`, then `python -m models.train readings`. Loss: minus log-probability of
the right pulse plus that of the right bar. {settings}.

## Scores
{found if figures else "No songs held out: there were too few."}
"""


def further_card(before: str, learned: Sequence[Sample], figures: dict[str, float], config: TrainConfig) -> str:
    """Return the card of networks that others were joined to; before: theirs."""
    sources = Counter(further_weight_of(s.name) for s in learned)
    settings = ", ".join(f"{name} {value:g}" for name, value in asdict(config).items())
    found = ", ".join(f"{name} right {value:.2f}" for name, value in figures.items())
    return f"""{before.rstrip()}

## Further networks
Fitted onto those above, which stay as they are, by `python -m models.train readings --onto STEM`, and joined to them:
{settings}. Samples: {sources[FURTHER_WEIGHT]} of songs and plain kinds, {sources[1.0]} of rare ones (waltzes, compound
and uneven meters), which count 1 to {FURTHER_WEIGHT:g}. On the songs held out, afterwards: {found or "not measured"}.
"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train readings", description="Train the readings.")
    parser.add_argument("--samples", type=Path, default=CACHE, help="file of benchmarks.inputs.reading_samples")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="stem of the files to write")
    parser.add_argument("--onto", type=Path, help="stem of weights to fit further networks onto")
    parser.add_argument("--epochs", type=int, help=f"{TrainConfig().epochs}, or {FURTHER.epochs} with --onto")
    parser.add_argument("--seed", type=int, default=TrainConfig().seed)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    config = replace(FURTHER if args.onto else TrainConfig(), seed=args.seed)
    config = replace(config, epochs=args.epochs) if args.epochs else config
    try:
        onto, before = None, ""
        if args.onto:
            onto = Fitted({k: torch.from_numpy(v) for k, v in checkpoint.load_arrays(args.onto, KIND).arrays.items()})
            before = args.onto.with_suffix(".md").read_text()
        learned, held = split(read(args.samples))
        fitted = fit(learned, config, onto)
    except FileNotFoundError as error:
        raise SystemExit(
            f"{error.filename}: no such file; samples are made with `python -m benchmarks.inputs.reading_samples`"
        ) from None
    except ValueError as error:
        raise SystemExit(f"{args.samples}: {error}") from None
    print("loss by epoch: " + ", ".join(f"{loss:.3f}" for loss in fitted.losses), flush=True)
    figures = scores(fitted, held, config)
    shape = {"features": len(fitted.tensors["linear"]), "hidden": len(fitted.tensors["out"])}
    text = further_card(before, learned, figures, config) if onto else card(learned, held, figures, config)
    sha = checkpoint.save(args.out, fitted.tensors, shape, text, KIND)
    print(f"wrote {args.out}.safetensors {sha[:12]} {figures}")
