"""Says what is wanted of a new section's groove, which grooves it may get, and why it got its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.parts.bass_bar import BassBar
from agent.parts.drum_groove import Groove
from agent.parts.groove_choice import PATTERN, Judged, ranked
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import played_grooves
from agent.song.song_form import LEAST_BARS, NEW_BELOW, alike, goes_otherwise, number_of
from agent.song.song_plan import SongPlan

HALVES_SAY = 0.8  # of a groove that repeats itself every half bar as the bass does
TOLD, TOLD_FROM = (
    ("taste", "likelihood", "new in this session", "of its own"),
    0.05,
)  # reasons that are told wherever they count
MOST_TOLD = 3  # of the others
DECLINED = -9.0  # of a groove that the player wants no more: any other is better


def candidates(plan: SongPlan, now: BassBar, library: GrooveLibrary) -> list[Groove]:
    """Return the played grooves that a section which begins with this bass bar may get, the best first."""
    bass = belonging([now, *reversed(plan.bars[-4:])], True) or [now]
    rng = np.random.default_rng((plan.seed, 11, len(plan.sections), now.ticks, number_of(bass[0])))
    found, used = played_grooves(library, now.meter, now.ticks), [one.groove for one in plan.sections[-4:]]
    return [one.groove for one in ranked(found, bass, wanted_of(plan, bass, False), rng, used)]


def wanted_of(plan: SongPlan, bass: Sequence[BassBar], certain: bool) -> dict[str, float]:
    """Return what is wanted of a new section's groove (`groove_choice.choose`)."""
    wanted = {"swung": float(plan.swung), "density": density_of(bass), "energy": energy_of(plan, bass)}
    wanted |= {"chance": plan.wish.chance, "tempo": plan.quarter_bpm}
    if not certain:  # two bars may have been heard as one
        wanted["halves"] = HALVES_SAY
    if plan.sections:
        wanted[f"style {plan.sections[0].groove.style}"] = 0.9
    if plan.style:
        wanted[f"style {plan.style}"] = 2.0
    wanted |= {f"{PATTERN}{text}": liking for text, liking in plan.liking.items()}
    wanted |= {f"groove {one.groove.name}": -1.5 for one in plan.sections}
    return wanted | {f"groove {name}": DECLINED for name in plan.declined}


def density_of(bass: Sequence[BassBar]) -> float:
    """Return the bass notes in 16 ticks."""
    return float(np.mean([len(bar.notes) * 16 / bar.ticks for bar in bass]))


def why_of(best: Judged, second: Judged) -> str:
    """Return what speaks for the best groove beside the second."""
    gains = {reason: value - second.reasons.get(reason, 0.0) for reason, value in best.reasons.items()}
    first = [(reason, gains[reason]) for reason in TOLD if abs(gains.get(reason, 0.0)) >= TOLD_FROM]
    rest = sorted(((reason, gain) for reason, gain in gains.items() if reason not in TOLD), key=lambda one: -one[1])
    told = ", ".join(f"{reason} {gain:+.1f}" for reason, gain in [*rest[:MOST_TOLD], *first])
    return f"{best.score - second.score:+.2f} on it: {told}"


def belonging(ahead: Sequence[BassBar], doubts: bool = False) -> list[BassBar]:
    """Return the bars from the first on that belong together: up to one that is unlike all before it, at least two.

    doubts: a bar of another rhythm is unlike them, too.
    """
    found: list[BassBar] = []
    for bar in ahead:
        unlike = alike([bar], found) < NEW_BELOW or (doubts and goes_otherwise(bar, found))
        if bar.ticks != ahead[0].ticks or (len(found) >= 2 and bar.notes and unlike):
            break
        if bar.notes:
            found.append(bar)
    return found


def energy_of(plan: SongPlan, bass: Sequence[BassBar]) -> float:
    """Return -1 to 1: how lively these bass bars are beside what was played so far (density, loudness, register)."""
    asked = 2 * (plan.wish.density - 0.5)
    before, bass = [bar for bar in plan.bars if bar.notes], [bar for bar in bass if bar.notes]
    if len(before) < LEAST_BARS or not bass:
        return asked
    notes = [np.mean([len(bar.notes) * 16 / bar.ticks for bar in bars]) for bars in (before, bass)]
    loud = [np.mean([bar.velocity or 0.0 for bar in bars]) for bars in (before, bass)]
    high = [np.mean([note.pitch for bar in bars for note in bar.notes]) for bars in (before, bass)]
    lively = 0.8 * np.log2(notes[1] / notes[0]) + (loud[1] - loud[0]) / 14 + (high[1] - high[0]) / 12
    return float(np.clip(lively + asked, -1, 1))


def usual_density(plan: SongPlan) -> float:
    """Return the bass notes in 16 ticks that were usual in the song so far."""
    before = [len(bar.notes) * 16 / bar.ticks for bar in plan.bars if bar.notes]
    return float(np.mean(before)) if before else 0.0
