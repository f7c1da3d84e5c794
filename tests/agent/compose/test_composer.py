"""`antiphon compose`: in the key, in the meter, of the length, to the end that were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.__main__ import main
from agent.compose import continuation, copy_guard
from agent.compose.bass_line import FEELS, BassState, Cue, RuleBass, group_starts, place_of
from agent.compose.song_form import Form
from agent.core.errors import UserError
from agent.core.music_names import key_of, meter_of
from agent.directions.key_filter import InKey, key_from, scale_of
from listener.types import Key, Meter
from models.corpus import copy_check
from models.corpus.copy_check import CopyCheck
from models.music.midi_reader import RawNote, Score, read_score
from models.music.tokens import EMPTY_REPLY, ChordHit, DrumHit, LineHit, Position, Reply
from models.responder import responder
from models.responder.net import ResponderConfig
from models.responder.responder import Responder
from tests.models.music.midi_cases import song

METER = Meter(7, 8, (2, 2, 3))


@pytest.fixture(scope="session")
def stem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small responder that has learned nothing: only the form keeps it in order."""
    path = tmp_path_factory.mktemp("weights") / "small"
    responder.save(path, Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4)).net, {}, "")
    return path


def compose(out: Path, stem: Path, *options: object) -> Score:
    argv = ["-o", str(out), "--model", str(stem), "--bars", "6", *map(str, options)]
    assert main(["compose", *argv]) == 0
    return read_score(out)


def part(score: Score, name: str) -> tuple[RawNote, ...]:
    return next(track.notes for track in score.tracks if track.name == name)


def in_scale(score: Score, key: str) -> float:
    notes = part(score, "Chords") + part(score, "Line")
    return float(np.mean([note.pitch % 12 in scale_of(key_of(key)) for note in notes]))


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory, stem: Path) -> Score:
    out = tmp_path_factory.mktemp("tunes") / "dm.mid"
    return compose(out, stem, "--key", "Dm", "--meter", "7/8=2+2+3", "--tempo", 96, "--seed", 4)


def test_key_meter_tempo_and_length_are_as_asked(tune: Score) -> None:
    assert tune.meters == ((0, Meter(7, 8)),)
    assert tune.keys == ((0, "Dm"),)
    assert tune.tempo_bpm == pytest.approx(96, abs=0.01)
    assert tune.end == 6 * 7 * 240
    assert [track.name for track in tune.tracks] == ["Bass", "Drums", "Chords", "Line"]
    assert {track.name: track.program for track in tune.tracks} == {"Bass": 33, "Drums": 0, "Chords": 0, "Line": 11}
    assert dict(tune.mended) == {}


def test_it_begins_and_ends_on_the_tonic(tune: Score) -> None:
    last = 5 * 7 * 240
    assert part(tune, "Bass")[0].pitch % 12 == 2
    assert [n.pitch % 12 for n in part(tune, "Bass") if n.start >= last] == [2]
    for start in (0, last):
        assert {n.pitch % 12 for n in part(tune, "Chords") if n.start == start} == {2, 5, 9}
    assert all(n.end == tune.end for n in part(tune, "Chords") if n.start >= last)


def test_the_dominant_comes_before_the_end(tune: Score) -> None:
    middle = 4 * 7 * 240 + 4 * 240
    assert {1, 7} <= {n.pitch % 12 for n in part(tune, "Chords") if n.start == middle} <= {9, 1, 4, 7}
    assert not [n for n in part(tune, "Chords") if middle < n.start < 5 * 7 * 240 and n.pitch % 12 not in {9, 1, 4, 7}]


@pytest.mark.parametrize(("key", "meter"), [("F#", "4/4"), ("C minor", "5/4")])
def test_what_is_played_is_in_the_key_even_of_a_model_that_knows_nothing(
    tmp_path: Path, stem: Path, key: str, meter: str
) -> None:
    assert in_scale(compose(tmp_path / "x.mid", stem, "--key", key, "--meter", meter), key) >= 0.85


def test_the_weights_that_ship_are_in_the_key(tmp_path: Path) -> None:
    assert main(["compose", "-o", str(tmp_path / "x.mid"), "--key", "Gm", "--bars", "8"]) == 0
    assert in_scale(read_score(tmp_path / "x.mid"), "Gm") >= 0.85


def test_the_same_seed_gives_the_same_bytes_another_another(tmp_path: Path, stem: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        compose(tmp_path / f"{name}.mid", stem, "--seed", seed, "--bars", 2)
    a, b, c = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert a == b != c


def test_an_open_end_has_no_cadence(tmp_path: Path, stem: Path) -> None:
    score = compose(tmp_path / "x.mid", stem, "--end", "open", "--bars", 2)
    assert len([n for n in part(score, "Drums") if n.start >= 4 * 480]) > 2


def test_a_file_is_gone_on_from_in_its_key_meter_and_tempo(tmp_path: Path, stem: Path) -> None:
    source = song(tmp_path / "in.mid", bars=12, up=2, meter=(5, 4))
    start = continuation.read(source)
    assert (start.key.tonic, start.key.mode, str(start.meter), start.bpm) == (2, "maj", "5/4", 120.0)
    score = compose(tmp_path / "x.mid", stem, "--continue", source, "--bars", 3)
    assert (score.keys, score.meters, score.tempo_bpm) == (((0, "D"),), ((0, Meter(5, 4)),), 120.0)
    assert score.end == 3 * 5 * 480
    other = compose(tmp_path / "y.mid", stem, "--key", "D", "--meter", "5/4", "--tempo", 120, "--bars", 3)
    assert score.tracks != other.tracks  # the context is heard


def test_the_last_bars_are_heard_as_they_were_played(tmp_path: Path) -> None:
    moments = continuation.read(song(tmp_path / "in.mid", bars=12, roots=(0, 5))).context
    bar = [m for m in moments if m.place.bar == moments[-1].place.bar]
    assert [m.bass.onset_pitch for m in bar if m.bass.onset_pitch] == [41] * 4
    assert bar[0].reply.chord == ChordHit(5, "maj", 92)
    assert [[h.piece for h in m.reply.drums] for m in bar if m.reply.drums] == [["kick"]] + [["closed_hat"]] * 3


def test_what_was_learned_by_heart_is_played_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def tune(shift: int) -> list[Reply]:
        chords = {bar: ChordHit((5 * bar * (1 + shift)) % 12, "maj", 90) for bar in range(6)}
        return [
            Reply(
                chord=chords[t // 16] if t % 16 == 0 else None,
                line=LineHit(60 + t // 16 + shift, 90) if t % 4 == 0 else None,
            )
            for t in range(96)
        ]

    places = [Position(t % 16, t // 16, Meter(4, 4)) for t in range(96)]
    bars = copy_guard.bars_of(tune(0), places)
    known = {n: np.array(sorted(v for v in copy_check.runs(bars, n) if v is not None)) for n in range(1, 6)}
    monkeypatch.setattr(copy_check.CopyCheck, "load", classmethod(lambda cls: CopyCheck(known)))
    offsets: list[int] = []

    def play(offset: int) -> list[Reply]:
        offsets.append(offset)
        return tune(1 if offset else 0)

    assert copy_guard.original(play, list, places) == tune(1)
    assert offsets == [0, copy_guard.SEED_STEP]
    with pytest.raises(UserError, match="more than 4 bars of a training song"):
        copy_guard.original(lambda offset: tune(0), list, places)


def test_a_phrase_that_comes_again_has_its_harmony_again() -> None:
    form = Form(InKey(Key(0, "maj", 1.0)), Meter(4, 4), 16, True, seed=1)
    held = None
    for bar in range(8):
        for tick in range(16):
            harmony = form.harmony_at(bar, tick, held, ((2 * bar) % 12, "min7"))
            reply = Reply(chord=ChordHit(*harmony, 80)) if harmony else EMPTY_REPLY
            form.remember(bar, tick, reply, held)
            held = harmony or held
    roots = [form._played[bar, 0].chord for bar in range(8)]
    assert roots[:4] == roots[4:]
    assert len({chord.root for chord in roots if chord}) == 4
    assert [form.original(bar) for bar in range(16)] == [None] * 4 + [0, 1, 2, 3] + [None] * 4 + [0, 1, 2, 3]


def bass_of(style: str | None, meter: Meter, bars: int = 8) -> list[tuple[int, int, int]]:
    """(bar, tick, pitch) over C, kick on the first beat and one more."""
    player, state, out = RuleBass(Key(0, "maj", 1.0), scale_of(Key(0, "maj", 1.0)), 1, style), BassState(), []
    for bar in range(bars):
        at = Position(0, bar, meter)
        for tick in range(at.ticks_per_bar):
            reply = Reply(drums=(DrumHit("kick", 90),)) if tick in (0, 6) else EMPTY_REPLY
            bass, state = player.step(Cue(Position(tick, bar, meter), reply, 0, 0, 5), state)
            out += [(bar, tick, bass.onset_pitch)] if bass.onset_pitch is not None else []
    return out


@pytest.mark.parametrize("style", [None, *FEELS])
def test_the_bass_says_the_root_on_the_one_and_locks_to_the_kick(style: str | None) -> None:
    notes = bass_of(style, METER)
    assert all(any((b, t) == (bar, 0) and pitch % 12 == 0 for b, t, pitch in notes) for bar in range(8))
    kicks = sum((bar, 6) in {(b, t) for b, t, _ in notes} for bar in range(8))
    assert kicks >= {"jazz": 0, "dance": 0, "blues": 3, "country": 3, "ballad": 3}.get(style or "", 5)
    assert all(28 <= pitch <= 50 for _, _, pitch in notes)


def test_its_rhythm_comes_again_every_second_bar() -> None:
    ticks = {bar: [t for b, t, _ in bass_of("funk", METER) if b == bar] for bar in (0, 1, 2, 4, 5)}
    assert ticks[0] == ticks[2] == ticks[4]
    assert ticks[1] == ticks[5]


def test_a_walking_bass_walks_and_comes_to_the_next_root_by_step() -> None:
    notes = bass_of("jazz", Meter(4, 4), 32)
    assert len([1 for _, t, _ in notes if t % 4 == 0]) == 4 * 32
    last = [pitch for _, t, pitch in notes if t == 12]
    assert np.mean([min(abs(p - f) for f in (29, 41)) in (1, 2, 3) for p in last]) > 0.7  # F is to come


def test_places_follow_the_groups() -> None:
    assert group_starts(METER) == (0, 2, 4)
    assert [place_of(Position(t, 0, METER)) for t in (0, 1, 2, 4, 8)] == ["bar", "sixteenth", "half", "group", "group"]
    assert group_starts(Meter(5, 4)) == (0, 3)


def test_keys_and_meters_are_read() -> None:
    names = {"Dm": (2, "min"), "F#": (6, "maj"), "C major": (0, "maj"), "bb": (10, "maj"), "a minor": (9, "min")}
    assert {name: (key_of(name).tonic, key_of(name).mode) for name in names} == names
    assert meter_of("7/8=2+2+3") == METER
    assert meter_of("12/8") == Meter(12, 8)


def test_a_scale_is_heard_as_its_key() -> None:
    for tonic in range(12):
        weights = np.full(12, 0.1)
        weights[[(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)]] += 1
        weights[[tonic, (tonic + 7) % 12]] += 1
        assert (key_from(weights).tonic, key_from(weights).mode) == (tonic, "maj")


@pytest.mark.parametrize("text", ["H", "", "C dorian", "Cmm", "C##"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="give a major or minor key"):
        key_of(text)


@pytest.mark.parametrize("text", ["7", "7/9", "0/4", "99/4", "7/8=2+2+2", "7/8=0+7", "4/0", "x"])
def test_what_is_no_meter_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--meter"):
        meter_of(text)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--key", "H"), ("--key", ""), ("--meter", "7/9"), ("--meter", ""), ("--bars", "0"), ("--bars", "2.5")),
        *(("--tempo", "fast"), ("--tempo", "1000"), ("--style", "polka"), ("--tension", "2")),
        *(("--continue", "none.mid"), ("--model", "rnn")),
    ],
)
def test_a_wrong_option_is_one_line_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stem: Path, monkeypatch, option: str, value: str
) -> None:
    monkeypatch.setattr(responder, "WEIGHTS", stem)
    assert main(["compose", "-o", str(tmp_path / "x.mid"), option, value]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert value in line
    assert not (tmp_path / "x.mid").exists()


def test_a_tune_may_slow_down_or_stop_short(tmp_path: Path, stem: Path) -> None:
    slow, short, ring = (compose(tmp_path / f"{end}.mid", stem, "--end", end) for end in ("ritard", "stop", "tonic"))
    speeds = [60e6 / us for _, us in slow.tempi]
    assert speeds == sorted(speeds, reverse=True) and speeds[-1] < 0.7 * speeds[0]
    assert max(n.end for n in part(short, "Chords")) < max(n.end for n in part(ring, "Chords")) - 480
