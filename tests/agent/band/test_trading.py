"""An answer sounds like the phrase it answers, is not the phrase, fits the harmony, and comes to an end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from agent.band.phrase_window import Placed
from agent.band.trading import CONTOURS, Bars, Recipe, accents, answer, call, pitch_of, with_accent
from listener.music.motif import resemblance
from models.music.tokens import LINE_HIGH, LINE_LOW, QUALITIES, ChordHit, DrumHit

FOUR = Bars(4, 16, 64)
SEVEN = Bars(2, 14, 56)
CHORD = ChordHit(9, "min7", 90)


def phrase(seed: int, bars: Bars = FOUR, density: float = 0.4) -> tuple[Placed, ...]:
    """Two bars and their variation, as bassists do: a rhythm of its own, a line that walks and leaps."""
    rng = np.random.default_rng(seed)
    half = bars.ticks // 2
    ticks = sorted({0, *(int(t) for t in np.flatnonzero(rng.random(half) < density))})
    pitches = 40 + np.clip(np.cumsum(rng.choice([-5, -3, -2, 2, 3, 5, 7], len(ticks))), -10, 14)
    once = [(tick, int(pitch)) for tick, pitch in zip(ticks, pitches, strict=True)]
    twice = once + [(tick + half, pitch + int(rng.integers(-1, 2)) * 2) for tick, pitch in once]
    return tuple(
        Placed(tick, pitch, int(90 + 15 * rng.standard_normal()), after - tick)
        for (tick, pitch), (after, _) in pairwise([*twice, (bars.ticks, 0)])
    )


def realised(heard: tuple[Placed, ...], turn: int, bars: Bars = FOUR, chord: ChordHit | None = CHORD) -> list[Placed]:
    recipe = Recipe.of(0, turn)
    tones = answer(heard, recipe, bars)
    return [Placed(t.tick, pitch_of(t, chord, None, recipe.opens), t.velocity, t.ticks) for t in tones]


def rhythm(a: tuple[Placed, ...] | list[Placed], b: tuple[Placed, ...] | list[Placed]) -> float:
    """F1 of the onsets."""
    ours, theirs = {n.tick for n in a}, {n.tick for n in b}
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def contour(a: tuple[Placed, ...], b: list[Placed]) -> float:
    """Correlation of the pitches at the onsets they share, mirrored or not."""
    other = {n.tick: n.pitch for n in b}
    shared = [(n.pitch, other[n.tick]) for n in a if n.tick in other]
    if len(shared) < 4 or not np.std(shared, axis=0).all():
        return 0.0
    return abs(float(np.corrcoef(np.transpose(shared))[0, 1]))


@pytest.mark.parametrize("bars", [FOUR, SEVEN], ids=["4/4", "7/8"])
def test_it_is_this_phrase_that_is_answered_and_no_other(bars: Bars) -> None:
    phrases = [phrase(seed, bars) for seed in range(30)]
    own, others = [], []
    for i, heard in enumerate(phrases):
        for turn in range(0, 10, 2):
            reply = realised(heard, turn, bars)
            own.append((rhythm(heard, reply), contour(heard, reply)))
            others += [(rhythm(p, reply), contour(p, reply)) for p in phrases[i - 3 : i] + phrases[: max(3 - i, 0)]]
    (own_rhythm, own_contour), (other_rhythm, other_contour) = np.mean(own, axis=0), np.mean(others, axis=0)
    print(f"rhythm {own_rhythm:.2f} against {other_rhythm:.2f}, contour {own_contour:.2f} against {other_contour:.2f}")
    assert own_rhythm > 0.85 > other_rhythm + 0.35
    assert own_contour > other_contour + 0.2


def test_it_is_no_copy() -> None:
    for seed in range(20):
        heard = phrase(seed)
        for turn in range(0, 10, 2):
            reply = realised(heard, turn)
            shift = 12 * round((reply[0].pitch - heard[0].pitch) / 12)
            same = sum((n.tick, n.pitch - shift) in {(h.tick, h.pitch) for h in heard} for n in reply)
            assert same < 0.9 * len(heard)
            assert reply[-1].tick <= FOUR.ticks - FOUR.per_beat, "it leaves room for the next"


def test_the_next_turn_is_another_answer_and_the_same_seed_gives_the_same() -> None:
    heard = phrase(4)
    replies = [realised(heard, turn) for turn in range(0, 2 * len(CONTOURS), 2)]
    assert replies == [realised(heard, turn) for turn in range(0, 2 * len(CONTOURS), 2)]
    for earlier, later in pairwise(replies):
        alike = resemblance(
            tuple((n.tick / 4, n.pitch) for n in earlier), tuple((n.tick / 4, n.pitch) for n in later)
        ).similarity
        assert earlier != later
        assert alike < 0.95


def test_it_stays_in_range_on_the_harmony_and_ends_on_a_stable_tone() -> None:
    for seed in range(20):
        for turn in range(0, 10, 2):
            recipe, heard = Recipe.of(0, turn), phrase(seed)
            tones, reply = answer(heard, recipe, FOUR), realised(heard, turn)
            assert all(LINE_LOW <= n.pitch <= LINE_HIGH for n in reply)
            chord = {(CHORD.root + i) % 12 for i in QUALITIES[CHORD.quality]}
            assert {n.pitch % 12 for n, t in zip(reply, tones, strict=True) if t.stable} <= chord
            assert reply[-1].pitch % 12 == (4 if recipe.opens else 9)
            assert all(a.tick + a.ticks <= 64 for a in reply)


def test_with_no_harmony_at_all_it_still_answers() -> None:
    assert realised(phrase(1), 2, chord=None)
    assert answer((), Recipe.of(0, 2), FOUR) == ()


def test_a_pumped_pitch_becomes_a_line_that_moves() -> None:
    pumped = tuple(Placed(tick, 40, 100 if tick % 4 == 0 else 85, 2) for tick in range(0, 64, 2))
    reply = realised(pumped, 2)
    assert 10 < len(reply) < 20
    assert len({n.pitch for n in reply}) >= 4


def test_the_drums_answer_what_he_accented() -> None:
    heard = tuple(Placed(t, 40, 112 if t % 16 in (6, 11) else 80) for t in range(64) if t % 16 in (0, 3, 6, 11))
    found = accents(heard, FOUR)
    assert sorted(found) == sorted(t for t in range(64) if t % 16 in (6, 11))
    assert sum(found.values()) == 4
    hits = with_accent((DrumHit("closed_hat", 60), DrumHit("kick", 40)), True)
    assert {(h.piece, h.velocity > 80) for h in hits} == {("kick", True), ("open_hat", True)}


def test_a_call_can_be_played_back_and_leaves_room_at_its_end() -> None:
    calls = []
    for turn in range(12):
        tones = call(Recipe.of(3, turn), FOUR)
        calls.append([(tone.tick, tone.aim) for tone in tones])
        assert len(tones) >= 4
        assert all(tone.tick + tone.ticks <= FOUR.ticks - FOUR.per_beat for tone in tones)
        assert max(tone.aim for tone in tones) - min(tone.aim for tone in tones) <= 14
        assert all(after.tick - tone.tick >= 2 for tone, after in pairwise(tones))
    assert len({str(one) for one in calls}) == 12


def test_a_call_lies_in_bars_of_any_meter() -> None:
    for per_beat, per_bar, bars in ((2, 14, 1), (4, 12, 1), (1, 5, 2), (4, 16, 1)):
        tones = call(Recipe.of(0, 0), Bars(per_beat, per_bar, per_bar * bars))
        assert tones
        assert all(0 <= tone.tick < per_bar * bars and tone.ticks > 0 for tone in tones)
