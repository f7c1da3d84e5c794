"""The humaniser of drum hits: the same numbers in training and playing, its dials, its limits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from listener.types import Meter
from models.music.tokens import PIECES, DrumHit, Position, level_of
from models.timing import drum_timing
from models.timing.drum_timing import Timing, TimingState
from models.timing.groove_dataset import Take
from models.timing.net import Feel, TimingConfig, TimingNet
from models.training import timing

FOUR = Meter(4, 4)
GROOVE = {0: "kick", 4: "snare", 8: "kick", 12: "snare"}  # of a bar of 4/4, with hats on the eighths


def bar_hits(tick: int) -> tuple[DrumHit, ...]:
    hats = (DrumHit("closed_hat", 68),) if tick % 2 == 0 else ()
    return ((DrumHit(GROOVE[tick], 92),) if tick in GROOVE else ()) + hats


def play(
    model: Timing, bars: int, seed: int, swing: float | None = None, late_ms: float | None = None
) -> list[tuple[int, str, float, int]]:
    """(tick, piece, offset_ms, velocity) of every hit."""
    state, rng, out = model.initial_state(), np.random.default_rng(seed), []
    for tick in range(16 * bars):
        hits = bar_hits(tick % 16)
        drawn, state = model.step(hits, Position(tick % 16, tick // 16, FOUR), 110.0, state, rng, swing, late_ms)
        out += [(tick, hit.piece, *one) for hit, one in zip(hits, drawn, strict=True)]
    return out


def made_take(seed: int = 0, bars: int = 4) -> Take:
    rng = np.random.default_rng(seed)
    pairs = sorted((t, PIECES.index(h.piece)) for t in range(16 * bars) for h in bar_hits(t % 16))
    ticks, pieces = np.array(pairs).T
    velocity, offset = rng.integers(1, 128, len(ticks)), rng.uniform(-0.3, 0.3, len(ticks))
    return Take("x", "train", "rock", 110.0, FOUR, "beat", False, 0.5, ticks, pieces, velocity, offset)


@pytest.fixture(scope="module")
def shipped() -> Timing:
    return Timing.load()


def test_playing_and_training_give_the_same_likelihood() -> None:
    """The take's own offsets and velocities are forced on step; its density is forward's within 1e-4."""
    model, take, feel = Timing.untrained(3), made_take(), Feel(0.6, 12.0)
    residual = timing.residual_ms(take, feel)
    found: list[float] = []

    class Forced(Timing):
        def _velocity(self, head: np.ndarray, residual_ms: float, level: int, rng: np.random.Generator) -> int:
            return int(take.velocity[len(found) - 1])

    def forced(self: drum_timing.Mixture, rng: np.random.Generator, tick_ms: float) -> float:
        value = residual[len(found)]
        p = np.exp(self.log_weight - 0.5 * ((value - self.mean_ms) / self.scale_ms) ** 2) / self.scale_ms
        found.append(-np.log(p.sum() / np.exp(self.log_weight).sum() / np.sqrt(2 * np.pi)))
        return float(value)

    state, rng, player = model.initial_state(), np.random.default_rng(0), Forced.of(model.net)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drum_timing.Mixture, "draw", forced)
        for tick in range(64):
            own = take.tick == tick
            hits = tuple(DrumHit(PIECES[p], int(v)) for p, v in zip(take.piece[own], take.velocity[own], strict=True))
            _, state = player.step(hits, Position(tick % 16, tick // 16, FOUR), 110.0, state, rng, 0.6, 12.0, "rock")
    batch = timing.collate([take], [feel], ["rock"])
    with torch.inference_mode():
        offset, _ = timing.nats(model.net, batch)
    assert np.abs(np.array(found) - offset[0].numpy()).max() < 1e-4


def test_the_same_seed_is_the_same_drummer_and_a_copied_state_goes_on_alike(shipped: Timing) -> None:
    assert play(shipped, 2, seed=5) == play(shipped, 2, seed=5) != play(shipped, 2, seed=6)
    state, rng = shipped.initial_state(), np.random.default_rng(0)
    _, state = shipped.step(bar_hits(0), Position(0, 0, FOUR), 100, state, rng)
    copy, kept = state.copy(), state.hidden.copy()
    ahead = [
        shipped.step(bar_hits(4), Position(4, 0, FOUR), 100, s, np.random.default_rng(1))[0] for s in (state, copy)
    ]
    assert ahead[0] == ahead[1]
    assert np.array_equal(state.hidden, kept) and set(state.own) == set(copy.own)


def test_a_velocity_stays_in_the_level_that_was_asked_for(shipped: Timing) -> None:
    levels = {"kick": 92, "snare": 92, "closed_hat": 68}
    assert all(level_of(velocity) == level_of(levels[piece]) for _, piece, _, velocity in play(shipped, 16, 0))
    assert len({velocity for *_, velocity in play(shipped, 16, 0)}) > 10


@pytest.mark.parametrize("late_ms", [-20.0, 0.0, 25.0])
def test_the_lateness_asked_for_is_met_on_average(shipped: Timing, late_ms: float) -> None:
    played = [hit for seed in range(4) for hit in play(shipped, 16, seed, late_ms=late_ms, swing=0.5)]
    assert np.mean([offset for _, _, offset, _ in played]) == pytest.approx(late_ms, abs=4)


@pytest.mark.parametrize("swing", [0.5, 0.58, 0.667])
def test_the_swing_asked_for_is_met_on_average(shipped: Timing, swing: float) -> None:
    beat_ms = 60_000 / 110
    played = [hit for seed in range(4) for hit in play(shipped, 16, seed, late_ms=0.0, swing=swing)]
    on, off = ([o for tick, _, o, _ in played if tick % 4 == place] for place in (0, 2))
    assert 0.5 + (np.mean(off) - np.mean(on)) / beat_ms == pytest.approx(swing, abs=0.02)


def test_eighths_of_an_eighth_meter_do_not_swing() -> None:
    assert Feel(0.66).expected_ms(2, Meter(7, 8), 100.0) == 0.0
    assert Feel(0.66).expected_ms(2, FOUR, 100.0) == pytest.approx(64.0)


def test_offsets_come_in_the_order_of_the_hits(shipped: Timing) -> None:
    hits, place = (DrumHit("ride", 60), DrumHit("kick", 110)), Position(0, 0, FOUR)
    state = shipped.initial_state()
    one = shipped.step(hits, place, 120, state, np.random.default_rng(0))[0]
    other = shipped.step(hits[::-1], place, 120, state, np.random.default_rng(0))[0]
    assert one == other[::-1]
    assert level_of(one[1][1]) == 4


def test_silence_advances_only_the_count() -> None:
    model = Timing.untrained()
    before = model.initial_state()
    drawn, after = model.step((), Position(0, 0, FOUR), 120, before, np.random.default_rng(0))
    assert drawn == []
    assert isinstance(after, TimingState) and after.tick == 1 and np.array_equal(after.hidden, before.hidden)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"swing": 0.9}, "swing 0.9"),
        ({"late_ms": float("nan")}, "late_ms nan"),
        ({"style": "polka"}, "style 'polka'"),
        ({"tempo_bpm": 0.0}, "tempo 0.0"),
        ({"hits": (DrumHit("gong", 90),)}, "drum piece 'gong'"),
        ({"hits": (DrumHit("kick", 0),)}, "velocities"),
    ],
)
def test_what_cannot_be_asked_for_is_named(changes: dict[str, object], said: str) -> None:
    model = Timing.untrained()
    base = {"hits": bar_hits(0), "position": Position(0, 0, FOUR), "tempo_bpm": 120.0}
    base |= {"state": model.initial_state(), "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=said):
        model.step(**(base | changes))  # type: ignore[arg-type]


def test_a_run_cut_short_and_resumed_is_the_same_run(tmp_path: Path) -> None:
    takes = [made_take(seed, bars=3) for seed in range(4)]
    takes += [replace(made_take(9, bars=3), split="valid")]
    config = timing.TrainConfig(steps=6, batch=2, length=16, valid_every=3)
    whole, first, second = (timing.Run(config, TimingConfig(8, 8)) for _ in range(3))
    timing.train(whole, takes, tmp_path / "whole.pt")
    sampler = timing.Sampler(takes[:4], config)
    for step in range(3):
        first.train_step(sampler.batch(step))
    first.save(tmp_path / "cut.pt")
    second.resume(tmp_path / "cut.pt")
    timing.train(second, takes, tmp_path / "cut.pt")
    ends = [run.net.state_dict() for run in (whole, second)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert second.held["history"][-1] == whole.held["history"][-1]


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    drum_timing.save(tmp_path / "x", TimingNet(TimingConfig(8, 8)), {}, "card")
    assert Timing.load(tmp_path / "x").net.config.hidden == 8
    meta = (tmp_path / "x.json").read_text()
    (tmp_path / "x.json").write_text(meta.replace('"hidden": 8', '"hidden": 9'))
    with pytest.raises(ValueError, match="do not fit"):
        Timing.load(tmp_path / "x")
