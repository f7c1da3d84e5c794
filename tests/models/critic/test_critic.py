"""The critic: the same numbers in torch and numpy, no key, any meter, right partners before wrong ones, training
resumes.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from listener.types import Meter
from models.corpus.song import Song
from models.critic import perturb, windows
from models.critic.batches import Sampler, TrainConfig
from models.critic.commonest import commonest
from models.critic.critic import Critic, beside, beside_rows, save
from models.critic.net import CriticNet, folded
from models.critic.perturb import Partners, Rows, Songs
from models.critic.shape import CriticConfig
from models.critic.trials import Valid, auc, scored
from models.critic.windows import PARTS
from models.music import tokens
from models.music.features import Events, reply_events
from models.music.tokens import LINE_LOW, BassTick, ChordHit, DrumHit, LineHit, Position, Reply
from models.training import critic as training

FOUR = Meter(4, 4)
ROOTS = (9, 5)  # A and F: one harmony a bar
TUNE = {0: 0, 4: 7, 6: 4, 8: 7, 12: 4}  # tick of the bar -> semitones above the root (minor third: 3)


def places(bars: int, meter: Meter = FOUR) -> list[Position]:
    length = meter.numerator * tokens.ticks_per_beat(meter)
    return [Position(tick, bar, meter) for bar in range(bars) for tick in range(length)]


def bass_of(positions: list[Position], steps: int = 0) -> list[BassTick]:
    """Eighths on each bar's root."""
    ticks = []
    for place in positions:
        pitch = 28 + (ROOTS[place.bar % 2] + steps - 4) % 12  # E1 is the lowest
        ticks.append(BassTick(True, pitch if place.tick % 2 == 0 else None, 90 if place.tick % 2 == 0 else 0, pitch))
    return ticks


def band_of(positions: list[Position], steps: int = 0) -> list[Reply]:
    """A rock groove, a chord on the one, a tune of chord tones."""
    replies = []
    for place in positions:
        root, minor = ROOTS[place.bar % 2] + steps, place.bar % 2 == 0
        drums = [DrumHit("closed_hat", 70)] if place.tick % 2 == 0 else []
        drums += [DrumHit("kick", 100)] if place.tick in (0, 8, 10) else []
        drums += [DrumHit("snare", 100)] if place.tick in (4, 12) else []
        chord = ChordHit(root % 12, "min" if minor else "maj", 80) if place.tick == 0 else None
        over = TUNE.get(place.tick)
        line = None
        if over is not None:
            line = LineHit(60 + (root + over - (over == 4 and minor)) % 12, 80)
        replies.append(Reply(tuple(drums), chord, False, line))
    return replies


def shifted(replies: list[Reply], ticks: int) -> list[Reply]:
    return replies[-ticks:] + replies[:-ticks]


def higher(replies: list[Reply], steps: int) -> list[Reply]:
    found = []
    for reply in replies:
        chord, line = reply.chord, reply.line
        chord = chord and ChordHit((chord.root + steps) % 12, chord.quality, chord.velocity)
        line = line and LineHit(line.pitch + steps, line.velocity)
        found.append(Reply(reply.drums, chord, reply.chord_off, line, reply.line_off))
    return found


@pytest.fixture(scope="module")
def shipped() -> Critic:
    return Critic.load()


@pytest.fixture(scope="module")
def untrained() -> tuple[CriticNet, Critic]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = CriticNet(CriticConfig()).eval()
    return net, Critic.of(net)


def made_song(name: str, seed: int, meter: Meter = FOUR, bars: int = 12) -> Song:
    """A song of random parts that agree a little."""
    rng = np.random.default_rng(seed)
    positions = places(bars, meter)
    drums, chord, line = reply_events(band_of(positions, seed % 12))
    drums[:, perturb.KICK] = np.where(rng.random(len(drums)) < 0.2, 3, drums[:, perturb.KICK])
    heard = bass_of(positions, seed % 12)
    bass = np.array([[-1 if b.onset_pitch is None else b.onset_pitch, b.velocity, b.sounding_pitch] for b in heard])
    bass[rng.random(len(bass)) < 0.3, 0] = -1
    events = Events(bass, np.ones(len(bass), bool), drums, chord, line)
    ticks, at = np.array([p.tick for p in positions]), np.array([p.bar for p in positions])
    return Song(name, "freedoom", "train", ticks, at, (meter,) * len(ticks), events, (True, True, True))


@pytest.fixture(scope="module")
def songs() -> list[Song]:
    return [*(made_song(f"song{i}", i) for i in range(5)), made_song("odd", 6, Meter(7, 8))]


@pytest.mark.parametrize("part", PARTS)
def test_numpy_gives_what_torch_gives(part: str, untrained: tuple[CriticNet, Critic], songs: list[Song]) -> None:
    """Also in padded batches of windows of different meters."""
    net, critic = untrained
    pool = Songs(songs)
    own = perturb.windows_of(pool, part, 2, 3, np.random.default_rng(0))
    assert {len(window) for window in own} == {28, 32}
    found = scored(net, pool, part, own, [pool.rows(window) for window in own])
    for window, logit in zip(own, found, strict=True):
        rows, place = pool.rows(window), windows.places(window.ticks, [window.meter] * len(window))
        read = beside_rows(pool.bass(window), np.ones(len(window), bool), place)
        score = {
            "drums": lambda read, rows: critic.score_drums(read, rows.drums[None]),
            "comping": lambda read, rows: critic.score_comping(read, rows.chord[None]),
            "line": lambda read, rows: critic.score_line(read, rows.chord[None], rows.line[None]),
        }[part]
        assert score(read, rows)[0] == pytest.approx(float(logit), abs=1e-4)


def test_a_network_without_batch_normalisation_does_the_same(songs: list[Song]) -> None:
    torch.manual_seed(1)
    net, pool = CriticNet(CriticConfig(channels=8), norm=True), Songs(songs)
    sampler = Sampler(songs, TrainConfig(batch=4))
    for part in PARTS:
        batch = sampler.batch(part, 0)
        for _ in range(3):
            net.train()(part, batch.context, batch.part, batch.mask)
    plain = folded(net.config, net.state_dict())
    for part in PARTS:
        own = perturb.windows_of(pool, part, 2, 3, np.random.default_rng(0))
        rows = [pool.rows(window) for window in own]
        assert np.allclose(scored(net, pool, part, own, rows), scored(plain, pool, part, own, rows), atol=1e-4)


def test_the_same_window_is_judged_alike_each_time_and_in_any_batch(shipped: Critic) -> None:
    positions = places(2)
    bass, band = bass_of(positions), band_of(positions)
    one = shipped.drums(bass, band, positions)
    assert one == shipped.drums(bass, band, positions) == Critic.load().drums(bass, band, positions)
    rows = np.stack([reply_events(shifted(band, ticks))[0] for ticks in (0, 1, 3)])
    assert shipped.score_drums(beside(bass, positions), rows)[0] == pytest.approx(one, abs=1e-4)


@pytest.mark.parametrize("ticks", [-2, -1, 1, 2])
def test_drums_in_time_are_preferred(shipped: Critic, ticks: int) -> None:
    positions = places(2)
    bass, band = bass_of(positions), band_of(positions)
    assert shipped.drums(bass, band, positions) > shipped.drums(bass, shifted(band, ticks), positions) + 1


@pytest.mark.parametrize("ticks", [-1, 1])
def test_chords_and_line_in_time_are_preferred(shipped: Critic, ticks: int) -> None:
    positions = places(2)
    bass, band = bass_of(positions), band_of(positions)
    late = shifted(band, ticks)
    assert shipped.comping(bass, band, positions) > shipped.comping(bass, late, positions) + 1
    assert shipped.line(bass, band, band, positions) > shipped.line(bass, band, late, positions) + 1


@pytest.mark.parametrize("steps", [-3, 1, 3, 6])
def test_chords_and_line_in_the_key_of_the_bass_are_preferred(shipped: Critic, steps: int) -> None:
    positions = places(2)
    bass, band = bass_of(positions), band_of(positions)
    moved = higher(band, steps)
    assert shipped.comping(bass, band, positions) > shipped.comping(bass, moved, positions) + 1
    assert shipped.line(bass, band, band, positions) > shipped.line(bass, band, moved, positions) + 1


@pytest.mark.parametrize("steps", [1, 5, 11])
def test_every_key_is_the_same(shipped: Critic, steps: int) -> None:
    positions = places(2)
    here, there = bass_of(positions), bass_of(positions, steps)
    band, moved = band_of(positions), higher(band_of(positions), steps)
    assert shipped.drums(here, band, positions) == pytest.approx(shipped.drums(there, moved, positions), abs=1e-4)
    assert shipped.comping(here, band, positions) == pytest.approx(shipped.comping(there, moved, positions), abs=1e-4)
    one, other = shipped.line(here, band, band, positions), shipped.line(there, moved, moved, positions)
    assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize("meter", [Meter(7, 8, (2, 2, 3)), Meter(5, 4), Meter(3, 4), Meter(11, 8), Meter(12, 8)])
def test_any_meter_is_read_and_a_changing_one(shipped: Critic, meter: Meter) -> None:
    positions = [*places(1, meter), *places(1, FOUR)]
    bass, band = bass_of(positions), band_of(positions)
    found = [shipped.drums(bass, band, positions), shipped.comping(bass, band, positions)]
    found.append(shipped.line(bass, band, band, positions))
    assert np.isfinite(found).all()


def test_an_unheard_bass_and_a_band_that_rests_are_judged_too(shipped: Critic) -> None:
    positions = places(1)
    nothing, rest = [BassTick.UNKNOWN] * 16, [Reply()] * 16
    found = [shipped.drums(nothing, rest, positions), shipped.comping(nothing, rest, positions)]
    assert np.isfinite([*found, shipped.line(nothing, rest, rest, positions)]).all()


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (lambda c, p, b, r: c.drums(b, r[:-1], p), "bass 32, drums 31, positions 32"),
        (lambda c, p, b, r: c.comping(b[:-1], r, p), "bass 31, chords 32"),
        (lambda c, p, b, r: c.line(b, r, r[:5], p), "line 5"),
        (lambda c, p, b, r: c.drums([], [], []), "1 to 64"),
        (lambda c, p, b, r: c.drums(b * 3, r * 3, p * 3), "96 ticks"),
        (lambda c, p, b, r: c.score_drums(beside(b, p), np.zeros((4, 30, 10), int)), r"drums of shape \(4, 30, 10\)"),
        (
            lambda c, p, b, r: c.score_line(beside(b, p), np.zeros((2, 32, 4), int), np.zeros((3, 32, 3), int)),
            "chord has 2 candidates, line 3",
        ),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(
    untrained: tuple[CriticNet, Critic], judge: Callable[..., object], said: str
) -> None:
    positions = places(2)
    with pytest.raises(ValueError, match=said) as error:
        judge(untrained[1], positions, bass_of(positions), band_of(positions))
    assert "\n" not in str(error.value)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    net = CriticNet(CriticConfig(channels=8))
    save(tmp_path / "critic", net, {}, "")
    assert Critic.load(tmp_path / "critic").config.channels == 8
    text = (tmp_path / "critic.json").read_text().replace('"channels": 8', '"channels": 9')
    (tmp_path / "critic.json").write_text(text)
    with pytest.raises(ValueError, match="do not fit their config"):
        Critic.load(tmp_path / "critic")


@pytest.mark.parametrize("part", PARTS)
def test_wrong_partners_change_their_part_alone(part: str, songs: list[Song]) -> None:
    pool, rng = Songs(songs), np.random.default_rng(1)
    partners = Partners(pool, part, commonest(part, pool))
    found = set()
    for window in perturb.windows_of(pool, part, 2, 4, rng):
        true = pool.rows(window)
        for kind in perturb.KINDS[part]:
            wrong = partners.wrong(kind, window, None, rng)
            if wrong is None:
                continue
            found.add(kind)
            assert perturb.differs(part, wrong, true)
            for name in {"drums", "chord", "line"} - {"chord" if part == "comping" else part}:
                own = getattr(wrong, name)
                assert len(own) == len(window) and (part == "comping" or np.array_equal(own, getattr(true, name)))
    assert {"swapped", "shift_1", "shift_2", "beats"} <= found


def test_a_kick_that_copies_and_a_transposition() -> None:
    bass = np.array([[40, 90, 40], [-1, 0, 40], [43, 90, 43]])
    drums = np.zeros((3, 10), int)
    drums[1, perturb.KICK] = drums[1, perturb.SNARE] = 2
    copied = perturb.copying(drums, bass)
    assert copied[:, perturb.KICK].astype(bool).tolist() == [True, False, True]
    assert copied[1, perturb.SNARE] == 2
    rows = Rows(drums, np.array([[3, 2, 11, 0]] * 3), np.array([[2, 3, 28], [0, 0, -1], [2, 3, 20]]))
    moved = perturb.transposed(rows, 3)
    assert moved.chord[0, 2] == 2
    assert [(v + LINE_LOW) % 12 for v in moved.line[[0, 2], 2]] == [(v + LINE_LOW + 3) % 12 for v in (28, 20)]


def test_a_window_cut_to_another_meter_leaves_out_whole_beats(songs: list[Song]) -> None:
    window = Songs(songs).window(0, 1, 2, Meter(5, 4))
    assert window is not None and len(window) == 40 and window.meter == Meter(5, 4)
    assert window.at[:20].tolist() == [*range(16, 36)] and window.at[20] == 48
    assert Songs(songs).window(0, 0, 4, Meter(5, 4)) is None  # 80 ticks


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx(0.875)


def test_training_goes_on_where_it_stopped(songs: list[Song], tmp_path: Path) -> None:
    config, net = TrainConfig(steps=4, batch=3, valid_every=2), CriticConfig(channels=6, dilations=(1,))
    sampler = Sampler(songs, config)
    valid = Valid(Songs(songs), {key: [] for key in PARTS})
    whole = training.Run(config, net)
    assert training.train(whole, sampler, valid, tmp_path / "whole.pt")
    begun = training.Run(config, net)
    for _ in range(2):
        begun.train_step(sampler)
    begun.validate(valid)
    begun.save(tmp_path / "part.pt")
    resumed = training.Run(config, net)
    resumed.resume(tmp_path / "part.pt")
    assert training.train(resumed, sampler, valid, tmp_path / "part.pt")
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, resumed.net.state_dict()[name])
    with pytest.raises(ValueError, match="another network"):
        training.Run(config, CriticConfig(channels=7, dilations=(1,))).resume(tmp_path / "part.pt")
