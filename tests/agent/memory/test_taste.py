"""What agent/memory/taste.py claims: it learns which ideas are welcome and where dials belong,
and forgets by half-life.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from agent.directions.edit import Edit
from agent.memory.taste import DAY_S, DIAL_NOISE, Preference, Taste
from benchmarks.taste import CHOOSERS, PROFILES, regret
from benchmarks.taste_dials import DIALS, dial_errors

KINDS = ("pedal", "odd bar", "drop-out")
MORE = Edit.read("band.density more")


def test_what_was_liked_is_drawn_more_often() -> None:
    taste, rng = Taste(), np.random.default_rng(0)
    for _ in range(6):
        taste.judge("pedal", "liked")
        taste.judge("odd bar", "disliked")
    draws = [taste.draw(KINDS, rng) for _ in range(300)]
    first = [max(draw, key=lambda kind: draw[kind]) for draw in draws]
    assert first.count("pedal") > 200 > 20 > first.count("odd bar")
    assert first.count("drop-out") > 0, "what was never tried is tried now and then"


def test_a_new_idea_is_as_welcome_as_ideas_in_general() -> None:
    pleased, picky = Taste(), Taste()
    for kind in KINDS[:2]:
        pleased.judge(kind, "liked")
        picky.judge(kind, "disliked")
    assert pleased.mean("drop-out") > 0.6 and picky.mean("drop-out") < 0.4
    assert Taste().mean("drop-out") == 0.5


def test_a_wish_matches_the_moments_of_the_exact_posterior() -> None:
    """Reference: the posterior of a Gaussian under a probit comparison, integrated by scipy."""
    prior, stands = Preference(0.45, 0.25), 0.6

    def density(x: float) -> float:
        return float(norm.pdf(x, 0.45, 0.25) * norm.cdf((x - stands) / DIAL_NOISE))

    mass = quad(density, -3, 4)[0]
    mean = quad(lambda x: x * density(x), -3, 4)[0] / mass
    variance = quad(lambda x: (x - mean) ** 2 * density(x), -3, 4)[0] / mass
    after = prior.beyond(stands, 1, 1.0)
    assert after.mean == pytest.approx(mean, abs=1e-4) and after.deviation**2 == pytest.approx(variance, abs=1e-4)


def test_more_and_less_lie_on_either_side_of_where_the_dial_stood() -> None:
    up, down, higher = Taste(), Taste(), Taste()
    up.wish([MORE], stood={"density": 0.5})
    down.wish([Edit.read("band.density less")], stood={"density": 0.5})
    higher.wish([MORE], stood={"density": 0.8})
    means = [taste.dials["", "density"].mean for taste in (down, up, higher)]
    assert means == sorted(means) and means[0] + means[1] == pytest.approx(1.0) and means[2] > 0.75


def test_wishes_repeated_from_where_the_band_begins_go_on_moving_it() -> None:
    taste, begun = Taste(), []
    for _ in range(4):
        taste.wish([MORE])
        begun.append(taste.preferred().get("density", 0.5))
    assert begun == sorted(begun) and begun[-1] > begun[0] > 0.5


def test_a_condition_or_a_set_value_is_no_wish_about_a_dial() -> None:
    taste = Taste()
    taste.wish([Edit.read("band.density more |than before"), Edit.read("harmony.chord set Cm7")])
    assert not taste.dials


def test_old_verdicts_weigh_half_for_every_half_life() -> None:
    row = {"given_s": 0.0, "verdict": "liked", "kind": "pedal", "edits": json.dumps([MORE.to_json()])}
    now, later = (Taste.of([row], days * DAY_S, 30.0) for days in (0.0, 60.0))
    assert later.arms["pedal"][0] == pytest.approx(now.arms["pedal"][0] / 4)
    assert later.dials["", "density"].deviation > now.dials["", "density"].deviation
    assert now.preferred() and not later.preferred(), "an old wish is not acted on unasked"


def test_a_style_has_its_own_dials_and_falls_back_on_the_general_ones() -> None:
    taste = Taste()
    taste.wish([MORE])
    taste.wish([Edit.read("band.density less")], style="jazz", stood={"density": 0.5})
    assert taste.preferred("jazz")["density"] < 0.5 < taste.preferred("rock")["density"]


def test_regret_grows_slower_than_by_chance_and_than_with_one_idea_for_all() -> None:
    ends = {
        name: np.mean([regret(CHOOSERS[name], PROFILES["of strong likings"], seed)[-1] for seed in range(6)])
        for name in ("ours (Thompson, half-life 30 days)", "one for all (most popular)", "random")
    }
    ours, fixed, chance = ends.values()
    assert ours < 0.6 * fixed and ours < 0.5 * chance


def test_dials_come_nearer_with_sessions() -> None:
    errors = np.mean([dial_errors(DIALS["ours"], seed)[0] for seed in range(60)], 0)
    assert errors[0] > 0.15 and errors[2] < 0.6 * errors[0] and errors[16] < errors[2]
