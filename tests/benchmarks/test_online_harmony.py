"""Chords are decided before they are heard; every figure on cases done by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.baselines import harmony_rules
from benchmarks.baselines.harmony_context import TONES, chords_of_songs, coverage, line_of_songs
from benchmarks.baselines.online_harmony import Config, KeyShift, OnlineHarmony, Taste, play, said_at
from benchmarks.baselines.pop909 import NO_CHORD, REST, Song, chord_id
from benchmarks.baselines.train_online_harmony import Plan, draw, held_out, train
from benchmarks.measures import harmony_measures

FULL = Taste(next_weight=2, heard_weight=2, hurry=1, top_p=0.9, modulation=0.05, alarm_weight=9)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made_song(seed: int, bars: int = 24) -> Song:
    """Four chords round and round, one a bar, in a random key; the melody sings their tones."""
    rng = np.random.default_rng(seed)
    key = int(rng.integers(12))
    loop = [key * 15, (key + 9) % 12 * 15 + 1, (key + 5) % 12 * 15, (key + 7) % 12 * 15]
    chord = np.repeat([loop[k % 4] for k in range(bars)], 16)
    tones = [np.flatnonzero(TONES[c].numpy()) for c in chord[::2]]
    melody = np.repeat([60 + rng.choice(t) for t in tones], 2)
    on = np.tile([1, 0], len(tones))
    bar = np.tile(np.arange(16), bars)
    arrays = (np.asarray(a, np.int16) for a in (melody, on, melody - 24, on, chord, bar))
    return Song(str(seed), *arrays, bar_ticks=16, key=(key, False))


@pytest.fixture(scope="module", params=[True, False], ids=["plain", "full"])
def net(request: pytest.FixtureRequest) -> OnlineHarmony:
    torch.manual_seed(0)
    return OnlineHarmony(Config(hidden=16, plain=request.param)).eval()


def test_the_future_of_the_melody_changes_no_earlier_chord(net: OnlineHarmony) -> None:
    song, rng = made_song(1), np.random.default_rng(0)
    for cut in (64, 131):
        later = np.arange(len(song)) >= cut
        other = replace(
            song,
            melody=np.where(later, rng.integers(50, 80, len(song)), song.melody),
            melody_on=song.melody_on * ~later,
        )
        a, b = (play(net, [one], FULL, seed=3)[0] for one in (song, other))
        assert np.array_equal(a[: cut + 1], b[: cut + 1])  # the chord of tick `cut` is decided before its note
        assert not np.array_equal(a, b)


def test_step_is_forward(net: OnlineHarmony) -> None:
    songs = [made_song(1), made_song(2, bars=20)]
    line, chords = line_of_songs(songs, bass=False), chords_of_songs(songs)
    at = torch.arange(0, 320, 4).expand(2, -1)
    with torch.inference_mode():
        whole, _ = said_at(net, line, chords, at)
        state, steps = None, []
        for k in range(at.shape[1]):
            said, state = said_at(net, line, chords, at[:, k : k + 1], state)
            steps.append(said)
    for part, joined in zip(whole, zip(*steps, strict=True), strict=True):
        assert torch.allclose(part, torch.cat(joined, 1), atol=1e-5)


def test_chords_do_not_depend_on_the_other_songs_played_or_on_chords_to_come(net: OnlineHarmony) -> None:
    song = made_song(4)
    line, chords, at = line_of_songs([song], False), chords_of_songs([song]), torch.tensor([[100]])
    changed = chords.clone()
    changed[:, 100:] = 7
    with torch.inference_mode():
        assert torch.equal(said_at(net, line, chords, at)[0].chords, said_at(net, line, changed, at)[0].chords)


def test_the_same_seed_plays_the_same(net: OnlineHarmony) -> None:
    song = made_song(5)
    first, again, other = (play(net, [song], FULL, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_weights_of_fit_put_notes_into_chords(net: OnlineHarmony) -> None:
    song = made_song(6)
    shares = [
        harmony_measures.note_in_chord([song.melody], play(net, [song], Taste(heard_weight=w, heard_ticks=16), 0))
        for w in (0, 20)
    ]
    assert shares[1] > shares[0] + 0.1


def test_a_cost_of_tones_makes_triads(net: OnlineHarmony) -> None:
    full, lean = (play(net, [made_song(7)], Taste(tone_cost=cost), 0)[0] for cost in (0, 30))
    assert TONES[full.astype(int)].sum(-1).max() == 4 and TONES[lean.astype(int)].sum(-1).max() == 3


@pytest.mark.parametrize(("rate", "found"), [(0.02, 6), (0.0, 0)])
def test_a_key_shift_is_found_from_the_notes_alone(rate: float, found: int) -> None:
    scale = torch.zeros(1, 12)
    scale[0, [0, 2, 4, 5, 7, 9, 11]] = 1 / 7
    key, heard = KeyShift(1, rate), []
    for pitch in (60, 64, 67, 71, 65, 62, 70, 63, 61, 66, 68, 71, 65, 73):  # C major, and from B flat on F sharp major
        key.expect(scale)
        key.push(torch.tensor([[pitch]]), torch.tensor([[1]]))
        heard.append(int(key.shift[0]))
    assert heard[5] == 0 and heard[-1] == found
    assert key.lowered(torch.tensor([[70, REST]])).tolist() == [[70 - found, REST]]


def test_training_learns_goes_on_where_it_stopped_and_plays_the_loop(tmp_path: Path) -> None:
    songs = [made_song(k, bars=16) for k in range(6)]
    config, plan = Config(hidden=16), Plan(steps=24, batch=4, save_every=12, rate=1e-2)
    whole = train(songs, config, plan, tmp_path / "whole", progress=False)
    before = held_out(OnlineHarmony(config), songs, bass=False)
    assert held_out(whole, songs, bass=False)["chord_nats"] < before["chord_nats"] - 1
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.baselines.train_online_harmony.draw", stop_at(12))
        with pytest.raises(KeyboardInterrupt):
            train(songs, config, plan, cut, progress=False)
    resumed = train(songs, config, plan, cut, progress=False)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_crops_keep_the_notes_in_their_chords_in_every_key() -> None:
    crops = draw([made_song(1, bars=60)], Config(), Plan(batch=64), step=0)
    inside = TONES[crops.truth].gather(-1, (crops.line.pitch % 12)[..., None])[..., 0]
    assert inside[crops.line.pitch != REST].all()
    assert len(crops.truth[:, -60].unique()) >= 12 and (crops.told != crops.truth).any()


def stop_at(last: int):  # type: ignore[no-untyped-def]
    def drawn(*args):  # type: ignore[no-untyped-def]
        if args[-1] == last:
            raise KeyboardInterrupt
        return draw(*args)

    return drawn


def test_coverage_is_the_share_of_notes_a_chord_contains() -> None:
    heard = torch.zeros(12)
    heard[[0, 4, 6]] = torch.tensor([2.0, 1.0, 1.0])
    fit = coverage(heard)
    assert fit[chord_id("C")] == pytest.approx(0.75) and fit[chord_id("F#")] == pytest.approx(0.25)
    assert fit[NO_CHORD] == 0 and not coverage(torch.zeros(12)).any()


def test_note_in_chord_counts_ticks_and_silence_is_a_miss() -> None:
    pitch = np.array([60, 60, 61, REST, 64, 67])
    chord = np.array([chord_id("C")] * 4 + [NO_CHORD, chord_id("C")])
    assert harmony_measures.note_in_chord([pitch], [chord]) == pytest.approx(3 / 5)


def test_onset_intervals_lengths_and_emd_by_hand() -> None:
    chord = np.repeat([chord_id("C"), NO_CHORD, chord_id("G"), chord_id("A:min")], [4, 2, 6, 4])
    on = np.zeros(16, int)
    on[[1, 3, 12]] = 1
    assert harmony_measures.onsets(chord).tolist() == [0, 6, 12]
    assert harmony_measures.onset_intervals(on, chord).tolist() == [3, 0]  # no note before the first chord
    assert harmony_measures.chord_lengths(chord).tolist() == [4, 6, 4]
    a, b = (
        harmony_measures.distribution(np.array([0, 0, 2, 40]), 3),
        harmony_measures.distribution(np.array([1, 1, 2, 4]), 3),
    )
    assert a.tolist() == [0.5, 0, 0.25, 0, 0.25]
    assert harmony_measures.emd(a, b) == pytest.approx(0.5) and harmony_measures.emd(a, a) == 0


def test_emd_agrees_with_scipy() -> None:
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(0)
    a, b = rng.dirichlet(np.ones(18)), rng.dirichlet(np.ones(18))
    assert harmony_measures.emd(a, b) == pytest.approx(wasserstein_distance(np.arange(18), np.arange(18), a, b))


def test_entropy_and_vendi_by_hand() -> None:
    assert harmony_measures.entropy_bits(np.array([2.0, 1, 1, 0])) == pytest.approx(1.5)
    assert harmony_measures.vendi(np.eye(5)) == pytest.approx(5) and harmony_measures.vendi(
        np.ones((5, 3))
    ) == pytest.approx(1)
    assert harmony_measures.vendi(np.array([[1.0, 0], [1, 0], [0, 1], [0, 2]])) == pytest.approx(2)
    up = np.repeat([chord_id("C"), chord_id("G:7")], 4), np.repeat([chord_id("D"), chord_id("A:7")], 4)
    assert np.array_equal(*(harmony_measures.changes(c) for c in up))  # the key does not matter


def test_the_row_of_the_ground_truth_is_perfect_and_counts_its_tones() -> None:
    chord = np.repeat([chord_id("C"), NO_CHORD, chord_id("G:7")], [8, 4, 8])
    row = harmony_measures.measures([np.full(20, 67)], [np.ones(20, int)], [chord], [chord])
    assert (row["of_ground_truth"], row["onset_emd_ticks"], row["length_emd_ticks"]) == (1, 0, 0)
    assert row["tones_per_chord"] == pytest.approx(3.5) and row["distinct_chords"] == 2
    assert row["note_in_chord"] == pytest.approx(16 / 20) and row["chord_entropy_bits"] == pytest.approx(1)


def test_the_greedy_rule_hears_nothing_of_the_beat_it_plays_in() -> None:
    pitch = np.repeat([60, 64, 67, 61, 65, 68], 4)
    chords = harmony_rules.greedy(pitch)
    assert chords[:4].tolist() == [NO_CHORD] * 4 and chords[12] == chord_id("C")  # after C, E, G; D flat sounds
    assert chords[12:16].tolist() == [chord_id("C")] * 4


def test_beats_until_the_usual_is_back() -> None:
    usual = np.full(6, 0.6)
    assert harmony_measures.recovery_beats(np.array([0.2, 0.4, 0.6, 0.6, 0.6, 0.6]), usual) == 2
    assert harmony_measures.recovery_beats(usual, usual) == 0 and harmony_measures.recovery_beats(usual / 2, usual) == 6
