"""Held-out likelihood of the shipped responder beside rules: nats per tick and part on the test songs.

    python benchmarks/responder.py

Needs ../shared (through data_cache/, which `python -m models.data` builds). Appends to benchmarks/results.jsonl.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.baselines.rules import CommonBar, Counts, Nats
from benchmarks.common import results
from listener.types import Meter
from models import paths
from models.corpus import build_corpus
from models.corpus.rebarring import WAYS, can_be_rebarred, rebarred
from models.corpus.song import CACHE, Song, load_songs
from models.music.tokens import EMPTY_REPLY, PARTS, BassTick, Position, TickInput
from models.responder.responder import NAMED, Responder
from models.training.evaluate import PIECE_TICKS, evaluate, held_out, song_nats

PLAIN = {"4/4", "3/4", "6/8", "6/4", "9/8", "12/8", "2/4"}
MODELS = {"responder (ships)": "songs", "before it: SSM": "ssm", "LSTM of equal size": "lstm"}
SHIPPED = "responder (ships)"
System = Callable[[list[Song]], Iterator[tuple[Song, Nats]]]


def cut(rule: CommonBar | Counts) -> System:
    """A rule's nats over the same first ticks the model is scored on."""
    return lambda songs: ((s, {p: n[:PIECE_TICKS] for p, n in rule.nats(s).items()}) for s in songs)


def table(system: System, songs: list[Song]) -> dict[str, float]:
    """Nats per tick: each part, their sum, and drums + chords by metre."""
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for song, nats in system(songs):
        meter = str(song.meter)
        for part, values in nats.items():
            found[part].append(values)
            if song.source != "mma":
                found[f"composed {part}"].append(values)
        if song.has[1]:
            both = nats["drums"] + nats["chords"]
            for row in (meter, "odd" if meter not in PLAIN else "plain", song.source):
                found[f"drums+chords {row}"].append(both)
    means = {key: float(np.concatenate(values).mean()) for key, values in found.items()}
    return {"total": sum(means[part] for part in PARTS), **means}


def rebarred_row(model: Responder, songs: list[Song]) -> dict[str, float]:
    """Nats per tick of drums and chords of bands' songs in 4/4 re-barred by whole beats, over those of the songs."""
    bands = [s for s in songs if s.source != "mma" and str(s.meter) == "4/4" and s.has[1] and can_be_rebarred(s)]

    def nats(found: list[Song]) -> float:
        return float(np.mean([(n["drums"] + n["chords"]).mean() for _, n in song_nats(model.net, found)]))

    whole = nats(bands)
    rows = {str(meter): nats([rebarred(s, meter, way) for s in bands for way in (0, 1)]) / whole for meter in WAYS}
    return {"songs": len(bands), **rows, "mean": float(np.mean(list(rows.values())))}


def sound_row(model: Responder, songs: list[Song]) -> dict[str, float]:
    """Nats per tick of the test songs that have sound, with the codec's latents and with the sound unknown."""
    heard = [song for song in songs if song.sound is not None]
    rows = {"with": evaluate(model.net, heard), "without": evaluate(model.net, [replace(s, sound=None) for s in heard])}
    totals = {f"{part} {name}": row[part] for name, row in rows.items() for part in PARTS}
    return {"songs": len(heard), **totals}


def speed_of(model: Responder, stem: Path) -> dict[str, float]:
    """Milliseconds of a step and a sample, of imagining two bars of 4/4 on a copy, of copying a state, of loading."""
    state = model.initial_state()
    started = time.perf_counter()
    for _ in range(1000):
        state.copy()
    copying = time.perf_counter() - started
    imagining = []
    for seed in range(20):
        ahead, rng, begun = state.copy(), np.random.default_rng(seed), time.perf_counter()
        for tick in range(32):
            x = TickInput(Position(tick % 16, tick // 16, Meter(4, 4)), BassTick.UNKNOWN, None, EMPTY_REPLY)
            ahead = model.step(x, ahead)
            model.sample(ahead, rng)
        imagining.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    Responder.load(stem)
    loading = time.perf_counter() - begun
    extra = {"imagine 2 bars ms": float(np.median(imagining)) * 1e3, "copy us": copying * 1e3, "load s": loading}
    return step_ms(model) | extra


def step_ms(responder: Responder, ticks: int = 1000) -> dict[str, float]:
    state, spent, rng = responder.initial_state(), [], np.random.default_rng(0)
    reply = EMPTY_REPLY
    for tick in range(ticks):
        x = TickInput(Position(tick % 14, tick // 14, Meter(7, 8)), BassTick(True, 40, 90, 40), None, reply)
        started = time.perf_counter()
        state = responder.step(x, state)
        stepped = time.perf_counter()
        reply = responder.sample(state, rng)
        spent.append((stepped - started, time.perf_counter() - stepped))
    step, sample = np.array(spent).T * 1e3
    return {
        f"{name} ms p{q}": float(np.percentile(v, q))
        for name, v in (("step", step), ("sample", sample))
        for q in (50, 99)
    }


def main() -> int:
    if not CACHE.exists() and not (paths.SHARED / "data" / "band").is_dir():
        print(f"skipped: ../shared is absent ({paths.SHARED}), so there are no held-out songs")
        return 0
    songs = load_songs() if CACHE.exists() else build_corpus.build(paths.SHARED)
    train = [s for s in songs if s.split == "train"]
    valid, test = held_out(songs, "valid"), held_out(songs, "test", 24)
    found = {name: key for name, key in MODELS.items() if NAMED[key].with_suffix(".json").exists()}
    models = {name: Responder.load(NAMED[key]) for name, key in found.items()}
    systems: dict[str, System] = {
        **{name: partial(song_nats, model.net) for name, model in models.items()},
        "repeat the commonest bar of the metre": cut(CommonBar(train, valid)),
        "counts per metre and tick": cut(Counts(train, bar_before=False)),
        "counts given the bar before": cut(Counts(train, bar_before=True)),
    }
    figures = {name: table(system, test) for name, system in systems.items()}
    show(figures, len(test))
    speeds = {name: speed_of(model, NAMED[MODELS[name]]) for name, model in models.items()}
    for name, speed in speeds.items():
        print(f"{name:40}" + "  ".join(f"{key} {value:.3f}" for key, value in speed.items()))
    for name, model in models.items():
        row = rebarred_row(model, test)
        print(f"{name:40}re-barred / 4/4  " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
        results.append("responder", f"{name}: re-barred by whole beats over 4/4", row)
    sounds = {name: sound_row(model, [s for s in songs if s.split == "test"]) for name, model in models.items()}
    for name, row in sounds.items():
        print(f"{name:40}" + "  ".join(f"{key} {value:.4f}" for key, value in row.items()))
        results.append("responder", f"{name}: with and without the codes", row)
    for name, row in figures.items():
        extra = speeds.get(name, {})
        results.append(
            "responder", name, {"songs": len(test), **{f"{k} nats/tick": round(v, 4) for k, v in row.items()}, **extra}
        )
    rule = figures["repeat the commonest bar of the metre"]
    return 0 if all(figures[SHIPPED][k] < rule[k] for k in ("total", *PARTS)) else 1


def show(figures: dict[str, dict[str, float]], count: int) -> None:
    print(f"{count} test songs, first {PIECE_TICKS} ticks of each; nats per tick (16th), lower is better")
    columns = ["total", *PARTS]
    rows = sorted({key for row in figures.values() for key in row if key.startswith(("drums+chords", "composed"))})
    print(f"{'':40}" + "".join(f"{c:>9}" for c in columns))
    for name, row in figures.items():
        print(f"{name:40}" + "".join(f"{row[c]:9.3f}" for c in columns))
    print(f"\n{'drums + chords':40}" + "".join(f"{name.split()[0] + ' ' + name.split()[-1]:>22}" for name in figures))
    for key in rows:
        print(f"{key.removeprefix('drums+chords '):40}" + "".join(f"{row[key]:22.3f}" for row in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
