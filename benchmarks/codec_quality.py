"""How the codec sounds in numbers on sound it was never trained on, beside Opus and the same model untrained.

    python -m benchmarks.codec_quality [--weights models/weights/codec] [--seed 0] [--quick]

SI-SDR (Le Roux et al. 2019) and log-mel distance are means over takes of 20 s (models/sounds/heldout_sounds.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.baselines.opus import opus
from benchmarks.baselines.untrained import untrained
from benchmarks.common import results
from models import checkpoint
from models.codec.codec import WEIGHTS
from models.codec.net import CodecConfig, codes_of, load_encodec
from models.sounds.heldout_sounds import KIND_S, KINDS, TAKE_S, held_out
from models.training.codec_scores import log_mel_distance, perplexity, si_sdr, used

SHARED = Path(__file__).resolve().parents[2] / "shared"
KBPS = (1.5, 3.0, 6.0, 12.0)
KBPS_PER_BOOK = 0.75
DEFAULT_KBPS = 3.0
OPUS_KBPS = (6.0, 12.0)
INIT_SEED = 9  # of the takes that an untrained model is scaled to

Samples = NDArray[np.float32]
Takes = dict[str, list[Samples]]
Coder = Callable[[Samples], tuple[Samples, float]]  # sound [N] -> what comes back [N], kbit/s


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one kind of sound: [takes] each."""

    system: str
    kind: str
    kbps: float
    si_sdr_db: list[float]
    log_mel_db: list[float]


def rates_of(model: Any) -> list[float]:
    return [kbps for kbps in KBPS if kbps / KBPS_PER_BOOK <= model.quantizer.n_q]


def neural(model: Any, kbps: float, known: dict[int, torch.Tensor]) -> Coder:
    """The package's own offline encode and decode of the first codebooks; known: codes by id of the take."""

    def code(sound: Samples) -> tuple[Samples, float]:
        if id(sound) not in known:
            known[id(sound)] = codes_of(model, torch.from_numpy(sound))
        codes = known[id(sound)][: round(kbps / KBPS_PER_BOOK)]
        with torch.no_grad():
            decoded = model.decode([(codes[None], None)])[0, 0, : len(sound)]
        return decoded.numpy(), kbps

    return code


def coders(model: Any, blank: Any, codes: dict[int, torch.Tensor]) -> Iterator[tuple[str, Coder]]:
    for kbps in rates_of(model):
        yield f"antiphon {kbps:g}", neural(model, kbps, codes)
    yield f"untrained {DEFAULT_KBPS:g}", neural(blank, DEFAULT_KBPS, {})
    for kbps in OPUS_KBPS:
        yield f"opus {kbps:g}", partial(opus, kbps=kbps)


def measure(system: str, coder: Coder, kind: str, takes: list[Samples]) -> Row:
    wanted = [torch.from_numpy(take) for take in takes]
    coded = [coder(take) for take in takes]
    got = [torch.from_numpy(sound) for sound, _ in coded]
    pairs = list(zip(wanted, got, strict=True))
    kbps = float(np.mean([rate for _, rate in coded]))
    return Row(system, kind, kbps, [si_sdr(*pair) for pair in pairs], [log_mel_distance(*pair) for pair in pairs])


def codebook_use(codes: torch.Tensor, bins: int) -> list[tuple[float, float]]:
    """codes [K, T] -> per codebook its perplexity and the share of codes that never occur."""
    return [(p, 1 - u) for p, u in zip(perplexity(codes, bins), used(codes, bins), strict=True)]


def table(rows: list[Row]) -> str:
    """Systems down, kinds across: SI-SDR / log-mel distance in dB; the rate is the mean over kinds."""
    cells = {(row.system, row.kind): row for row in rows}
    lines = [f"{'system':16}{'kbit/s':>7}" + "".join(f"{kind:>16}" for kind in KINDS)]
    for system in dict.fromkeys(row.system for row in rows):
        mine = [cells[system, kind] for kind in KINDS]
        rate = np.mean([row.kbps for row in mine])
        shown = (f"{np.mean(row.si_sdr_db):8.1f} /{np.mean(row.log_mel_db):5.1f} " for row in mine)
        lines.append(f"{system:16}{rate:7.2f}" + "".join(shown))
    return "\n".join(lines)


def figures(rows: list[Row], system: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for row in (row for row in rows if row.system == system):
        out[f"kbps_{row.kind}"] = round(row.kbps, 2)
        for name in ("si_sdr_db", "log_mel_db"):
            values = getattr(row, name)
            out[f"{name}_{row.kind}"] = round(float(np.mean(values)), 2)
            out[f"{name}_{row.kind}_standard_error"] = round(float(np.std(values) / np.sqrt(len(values))), 2)
    return out


def run(weights: Path, takes: Takes) -> tuple[list[Row], list[tuple[float, float]]]:
    """Rows of every system, and the use of our codebooks over all takes."""
    model = load_encodec(weights)
    config = CodecConfig.from_dict(checkpoint.load(weights, "codec").config)
    blank = untrained(config, [take for kind in held_out(SHARED, INIT_SEED, TAKE_S).values() for take in kind])
    codes: dict[int, torch.Tensor] = {}
    rows = [
        measure(system, coder, kind, takes[kind]) for system, coder in coders(model, blank, codes) for kind in KINDS
    ]
    return rows, codebook_use(torch.cat(list(codes.values()), 1), config.bins)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="checkpoint stem")
    parser.add_argument("--seed", type=int, default=0, help="of the takes; odd seeds are for choosing between runs")
    parser.add_argument("--quick", action="store_true", help="one take of each kind, nothing written down")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows, use = run(args.weights, held_out(SHARED, args.seed, TAKE_S if args.quick else KIND_S))
    print("SI-SDR dB (higher is better) / log-mel distance dB (lower is better)")
    print(table(rows))
    print("perplexity (share of codes unused): " + ", ".join(f"{p:.0f} ({100 * dead:.1f}%)" for p, dead in use))
    if args.quick:
        return
    about = {"seed": args.seed, "weights_sha256": checkpoint.load(args.weights, "codec").sha256[:16]}
    for system in dict.fromkeys(row.system for row in rows):
        results.append("codec_quality", system, figures(rows, system) | about)
    shares = {f"perplexity_{k}": round(p, 1) for k, (p, _) in enumerate(use)}
    dead = {f"unused_share_{k}": round(d, 4) for k, (_, d) in enumerate(use)}
    results.append("codec_quality", "antiphon codebooks", shares | dead | about)


if __name__ == "__main__":
    main()
