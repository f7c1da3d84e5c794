"""Decides which section of the song the next bar belongs to: the one that goes on, an earlier one come back, or a new
one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.core.types import Choice
from agent.parts import comping, counter_line, drum_groove
from agent.parts.bar_chords import ChordAt, chords_of
from agent.parts.bass_bar import BassBar
from agent.parts.counter_line import Motif
from agent.parts.drum_groove import Groove
from agent.parts.groove_choice import Likely, choose
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import played_grooves
from agent.parts.imagination import ImaginedBars
from agent.parts.judging import comping_scores, motif_scores
from agent.song.arrangement import stage_for
from agent.song.phrase_feel import is_drone
from agent.song.section_groove import belonging, density_of, energy_of, usual_density, wanted_of, why_of
from agent.song.song_form import (
    EXAMPLES,
    KNOWN_FROM,
    LEAST_BARS,
    NEW_BELOW,
    ONE_RHYTHM,
    WINDOW,
    alike,
    cycle_of,
    goes_otherwise,
    is_new_riff,
    number_of,
    phrase_bars,
    rhythm_of,
)
from agent.song.song_plan import Section, SongPlan
from models.critic.critic import Critic

SECTIONS_MAX = 24
MOTIF_BAR = 2  # of a section, live, in which its motif is made
SPARSER = 0.8  # of the usual notes, under which a section is a sparse one
LEAST_PLAYED = 2  # bars with a bass, live, that tell a section; one after a rest is no new one
SURELY_BACK, CLEARLY = 0.85, 0.3  # likeness to an earlier section with which it is back at once, and so much over this
CYCLE_AGE = 8  # bars of a section, in which other bars may still be of its cycle


def decide_section(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[ImaginedBars],
    critic: Critic | None,
    likely: Likely | None = None,
) -> tuple[SongPlan, tuple[Choice, ...]]:
    """Decide which section the next bar belongs to: the one that goes on, an earlier one come back, or a new one."""
    now, number = ahead[0], plan.heard
    if plan.form:
        return _given_section(plan, ahead, library, imagined, critic, likely)
    window = [bar for bar in (ahead[:WINDOW] if certain else _played(plan)) if bar.ticks == now.ticks]
    other_riff = False
    if plan.current >= 0 and plan.sections[plan.current].ticks == now.ticks:
        here = plan.sections[plan.current]
        age = number - plan.began
        like = alike(window, here.examples)
        opens = len(window) >= LEAST_PLAYED if not certain else alike([now], here.examples) < 0.6
        stays = certain and comes_back(here, ahead, age)
        other_riff = not certain and is_new_riff(window, here.examples)
        goes_on = like >= NEW_BELOW and not other_riff
        settled = age < LEAST_BARS or goes_on or stays or not opens
        if not any(bar.notes for bar in window) or (settled and (certain or not returns_early(plan))):
            return plan if certain else with_motif(plan, critic, imagined), ()
        if settled:
            window = [plan.bars[-1]]
    elif plan.current >= 0 and _is_one_bar(plan, ahead, certain):
        return _in_meter(plan, ahead, certain), ()
    known = [
        (_back(window, one, other_riff), i)
        for i, one in enumerate(plan.sections)
        if i != plan.current and one.ticks == now.ticks and one.meter == now.meter
    ]
    best = max(known, default=(0.0, -1))
    since = _phrase_of(plan, now, certain)
    cycle, _ = cycle_of([*plan.bars[-8:], *ahead] if not certain else list(ahead))
    length = phrase_bars(cycle)
    if best[1] >= 0 and best[0] >= KNOWN_FROM:
        old = plan.sections[best[1]]
        back = replace(old, returns=old.returns + 1)
        sections = (*plan.sections[: best[1]], back, *plan.sections[best[1] + 1 :])
        told = Choice("section", f"{old.name} again", "a new one", f"its bars come again: likeness {best[0]:.2f}")
        return replace(plan, sections=sections, current=best[1], began=number, phrase_of=since, length=length), (told,)
    section, choices = _new_section(plan, ahead, library, certain, imagined, critic, likely)
    sections = (*plan.sections, section)
    if len(sections) > SECTIONS_MAX:
        sections = sections[-SECTIONS_MAX:]
    plan = replace(plan, sections=sections, current=len(sections) - 1, began=number, phrase_of=since, length=length)
    return plan, choices


def _given_section(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    imagined: Sequence[ImaginedBars],
    critic: Critic | None,
    likely: Likely | None,
) -> tuple[SongPlan, tuple[Choice, ...]]:
    """Return the plan in the section that the form names; it is as it was when it comes back."""
    now, number, name = ahead[0], plan.heard, plan.form[0]
    here = plan.sections[plan.current] if plan.current >= 0 else None
    if here is not None and here.name == name and here.ticks == now.ticks:
        return plan, ()
    if here is not None and here.name == name:
        return _in_meter(plan, ahead, True), ()
    known = [i for i, one in enumerate(plan.sections) if one.name == name and one.ticks == now.ticks]
    mine = [bar for bar, own in zip(ahead, plan.form, strict=False) if own == name]
    length = phrase_bars(cycle_of(mine)[0])
    if known:
        back = replace(plan.sections[known[0]], returns=plan.sections[known[0]].returns + 1)
        sections = (*plan.sections[: known[0]], back, *plan.sections[known[0] + 1 :])
        plan = replace(plan, sections=sections, current=known[0], began=number, phrase_of=number, length=length)
        return plan, (Choice("section", f"{name} again", reason="the form has it"),)
    section, choices = _new_section(plan, mine, library, True, imagined, critic, likely)
    first = Choice("section", name, reason="the form has it")
    sections = (*plan.sections, replace(section, name=name))[-SECTIONS_MAX:]
    plan = replace(plan, sections=sections, current=len(sections) - 1, began=number, phrase_of=number, length=length)
    return plan, (first, *choices[1:])


def _played(plan: SongPlan) -> list[BassBar]:
    """Return the newest bars in which the bass played, as many as tell a section."""
    return [bar for bar in plan.bars[-WINDOW:] if bar.notes][-LEAST_PLAYED:]


def returns_early(plan: SongPlan) -> bool:
    """Return whether the bar heard last belongs so clearly to an earlier section, and not to this one, that the band
    goes back at once."""
    here, newest = plan.sections[plan.current], plan.bars[-1:]
    if plan.heard == plan.began or not newest or not newest[0].notes or newest[0].ticks != here.ticks:
        return False
    others = (
        alike(newest, one.examples)
        for i, one in enumerate(plan.sections)
        if i != plan.current and one.ticks == here.ticks and one.meter == here.meter
    )
    best = max(others, default=0.0)
    return best >= SURELY_BACK and best >= alike(newest, here.examples) + CLEARLY


def _back(window: Sequence[BassBar], one: Section, other_riff: bool) -> float:
    """Return how well an earlier section is known in these bars; by its rhythm alone where that is what changed."""
    like = alike(window, one.examples)
    return max(like, KNOWN_FROM) if other_riff and rhythm_of(window, one.examples) >= ONE_RHYTHM else like


def _phrase_of(plan: SongPlan, now: BassBar, certain: bool) -> int:
    """Return the bar from which the phrases of another section are counted.

    Live, it was heard before it was known: two bars back, or where the line began; an upbeat is no bar of it.
    """
    number = plan.heard
    if certain:
        return number if plan.sections else 0
    if plan.current >= 0:
        return number if plan.sections[plan.current].ticks != now.ticks else number - min(2, number - plan.began)
    began = plan.bars[max(len(plan.bars) - (number - plan.phrase_of), 0) :][:1]
    upbeat = bool(began and began[0].notes and began[0].notes[0].tick > began[0].ticks // 2)
    return plan.phrase_of + upbeat


def comes_back(here: Section, ahead: Sequence[BassBar], age: int) -> bool:
    """Return whether a young section is about to go on after some other bars: they are of its cycle."""
    after = [bar for bar in ahead[LEAST_BARS : 2 * LEAST_BARS] if bar.ticks == here.ticks]
    return age <= CYCLE_AGE and len(after) >= 2 and any(b.notes for b in after) and alike(after, here.examples) >= 0.8


def _is_one_bar(plan: SongPlan, ahead: Sequence[BassBar], certain: bool) -> bool:
    """Return whether a bar of another length belongs to a riff of several meters: the last meter soon comes again."""
    here, now = plan.sections[plan.current], ahead[0]
    if certain and len(ahead) >= LEAST_BARS:
        return any(bar.ticks == here.ticks and bar.notes for bar in ahead[1:LEAST_BARS])
    return any(bar.ticks == now.ticks for bar in plan.bars[-6:])


def _in_meter(plan: SongPlan, ahead: Sequence[BassBar], certain: bool) -> SongPlan:
    """Return the plan in the same section and phrase, its groove and figures cut or prolonged to the next bar."""
    here, now = plan.sections[plan.current], ahead[0]
    for number, one in enumerate(plan.sections):
        if one.name == here.name and one.ticks == now.ticks:
            return replace(plan, current=number)
    bass = [bar for bar in ahead if bar.ticks == now.ticks and bar.notes][:EXAMPLES] if certain else [now]
    shifted = replace(
        here,
        meter=now.meter,
        ticks=now.ticks,
        examples=tuple(bass),
        groove=drum_groove.of_length(here.groove, now.ticks),
        beside=drum_groove.of_length(here.beside, now.ticks) if here.beside else None,
        figure=comping.of_length(here.figure, now.ticks),
        variation=comping.of_length(here.variation, now.ticks),
        other=comping.of_length(here.other, now.ticks) if here.other else None,
        motif=counter_line.of_length(here.motif, here.ticks, now.ticks) if here.motif else None,
        declined=(),
        usual=tuple(drum_groove.onset_shares(bass, now.ticks).tolist()),
    )
    sections = (*plan.sections, shifted)[-SECTIONS_MAX:]
    return replace(plan, sections=sections, current=len(sections) - 1)


def _new_section(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[ImaginedBars],
    critic: Critic | None,
    likely: Likely | None = None,
) -> tuple[Section, tuple[Choice, ...]]:
    now = ahead[0]
    name = chr(ord("A") + len(plan.sections) % 26)
    bass = belonging(ahead[:8] if certain else [now, *reversed(plan.bars[-4:])], not certain) or [now]
    luck = number_of(bass[0])  # another song has another drummer's luck
    rng = np.random.default_rng((plan.seed, 11, len(plan.sections), now.ticks, luck))
    density = density_of(bass)
    energy = energy_of(plan, bass)
    wanted = wanted_of(plan, bass, certain)
    found = played_grooves(library, now.meter, now.ticks)
    fitting = [one.drums for one in imagined if one.ticks == now.ticks and one.drums]
    used = [one.groove for one in plan.sections[-4:]]
    best, second = choose(found, bass, wanted, rng, used, likely, fitting)
    groove, beside = _to_bass(best.groove, second.groove, bass, certain)
    if own := _settled_groove(plan, now):
        groove, _ = _to_bass(own, second.groove, bass, certain)
    chords = _chords_under(plan, bass)
    figures = [*comping.figures_for(now.meter, now.ticks), *_figures(imagined, now.ticks)]
    logits = comping_scores(critic, bass, chords, figures) if critic else ()
    taken = [one.figure.name for one in plan.sections]
    figure, other = comping.choose(figures, bass, plan.style, rng, taken, logits)
    # live, it is made when its bars have been heard, in a frame of its own (`with_motif`)
    motif = _motif_of(plan, bass, chords, rng, critic, imagined) if certain else None
    usual = tuple(drum_groove.onset_shares(bass, now.ticks).tolist())
    why = why_of(best, second)
    choices = (
        Choice("section", name, reason="the bass plays something new" if plan.sections else "the song begins"),
        Choice("groove", own.name, best.groove.name, "the song's own, on another timekeeper")
        if own
        else Choice("groove", best.groove.name, second.groove.name, why),
        Choice("comping", figure.name, other.name, f"{density:.0f} bass notes a bar"),
    )
    stage = stage_for(plan.sections, energy, is_drone(bass), density < SPARSER * usual_density(plan))
    ride = bool(plan.sections) and len(plan.sections) % 2 == 1
    return Section(
        name,
        now.meter,
        now.ticks,
        tuple(bass[:EXAMPLES]),
        groove,
        figure,
        comping.variation_of(figure, now.ticks, rng),
        motif,
        ride,
        0,
        usual,
        beside,
        stage,
        other,
    ), choices


def _to_bass(best: Groove, second: Groove, bass: Sequence[BassBar], certain: bool) -> tuple[Groove, Groove]:
    """Return (the groove with its kicks where the bass plays, the same with kicks of the second, for later phrases)."""
    groove = drum_groove.with_bass(best, bass)
    if not certain and drum_groove.is_twice(bass):  # two bars may have been heard as one
        groove = drum_groove.halved(groove)
    return groove, drum_groove.with_bass(drum_groove.with_kicks_of(best, second), bass)


def with_liked_groove(
    plan: SongPlan, library: GrooveLibrary, certain: bool, imagined: Sequence[ImaginedBars], likely: Likely | None
) -> tuple[SongPlan, tuple[Choice, ...]]:
    """Return the plan with another groove for its section where the player wants no more of the one that it has, and
    with the one from before where they have taken that back."""
    here = plan.sections[plan.current]
    if here.declined and here.declined[-1][0].name not in plan.declined:
        (groove, beside), gone = here.declined[-1], here.groove
        own = replace(here, groove=groove, beside=beside, declined=here.declined[:-1])
        return with_section(plan, own), (Choice("groove", groove.name, gone.name, "the player took a verdict back"),)
    if here.groove.name not in plan.declined:
        return plan, ()
    bass = list(here.examples)
    rng = np.random.default_rng((plan.seed, 31, plan.current, here.ticks, len(plan.declined)))
    fitting = [one.drums for one in imagined if one.ticks == here.ticks and one.drums]
    used = [one.groove for one in plan.sections[-4:]]
    found = played_grooves(library, here.meter, here.ticks)
    best, second = choose(found, bass, wanted_of(plan, bass, certain), rng, used, likely, fitting)
    if best.groove.name in plan.declined:
        return plan, ()
    groove, beside = _to_bass(best.groove, second.groove, bass, certain)
    own = replace(here, groove=groove, beside=beside, declined=(*here.declined, (here.groove, here.beside)))
    why = f"the player wants no more of {here.groove.name}; {why_of(best, second)}"
    return with_section(plan, own), (Choice("groove", best.groove.name, second.groove.name, why),)


def with_section(plan: SongPlan, section: Section) -> SongPlan:
    """Return the plan with its current section as given."""
    return replace(plan, sections=(*plan.sections[: plan.current], section, *plan.sections[plan.current + 1 :]))


def _settled_groove(plan: SongPlan, now: BassBar) -> Groove | None:
    """Return the groove of the song's first section, which every other new one has where the drummer settles on it."""
    if not plan.settled or len({one.name for one in plan.sections}) % 2 == 0:
        return None
    first = plan.sections[0]
    return first.groove if first.ticks == now.ticks and first.meter == now.meter else None


def opens(plan: SongPlan) -> bool:
    """Return whether the bar heard last may be the first of another section."""
    newest, here = plan.bars[-1:], plan.sections[plan.current] if plan.current >= 0 else None
    if here is None or not newest or not newest[0].notes:
        return here is None
    return alike(newest, here.examples) < NEW_BELOW or goes_otherwise(newest[0], here.examples)


def with_motif(plan: SongPlan, critic: Critic | None, imagined: Sequence[ImaginedBars] = ()) -> SongPlan:
    """Return the plan with a motif for its section, where it is time for one, from the bars heard in it."""
    here = plan.sections[plan.current]
    bass = [bar for bar in plan.bars[-MOTIF_BAR:] if bar.ticks == here.ticks and bar.notes] or list(here.examples[:2])
    if here.motif is not None or plan.heard - plan.began != MOTIF_BAR or not bass:
        return plan
    rng = np.random.default_rng((plan.seed, 23, plan.current, here.ticks, number_of(bass[0])))
    motif = _motif_of(plan, bass, _chords_under(plan, bass), rng, critic, imagined)
    if motif is None:
        return plan
    sections = tuple(  # one of several meters has it in each
        replace(one, motif=counter_line.of_length(motif, here.ticks, one.ticks))
        if one.name == here.name and one.motif is None
        else one
        for one in plan.sections
    )
    return replace(plan, sections=sections)


def _chords_under(plan: SongPlan, bass: Sequence[BassBar]) -> list[tuple[ChordAt, ...]]:
    """Return the chords of a section's first two bars."""
    chords = [chords_of(bar, plan.key, None) for bar in bass[:2]]
    return [one or (ChordAt(0, max(plan.key.tonic, 0), "maj"),) for one in chords]


def _motif_of(
    plan: SongPlan,
    bass: Sequence[BassBar],
    chords: Sequence[tuple[ChordAt, ...]],
    rng: np.random.Generator,
    critic: Critic | None,
    imagined: Sequence[ImaginedBars],
) -> Motif | None:
    """Return the best motif for two bars of a section; None where the meter leaves no room."""
    phrases = [one.motif(plan.key.scale) for one in imagined if bass and one.ticks == bass[0].ticks]
    own = [phrase for phrase in phrases if phrase]
    motifs = counter_line.motifs_for(bass[:2], rng, quarter_bpm=plan.quarter_bpm, others=own)
    if motifs and critic:
        belongs = motif_scores(critic, bass, chords, [motif for _, motif in motifs], plan.key.scale)
        motifs = sorted(
            (
                (worth + comping.CRITIC_SAY * logit, motif)
                for (worth, motif), logit in zip(motifs, belongs, strict=True)
            ),
            key=lambda one: -one[0],
        )
    return motifs[0][1] if motifs else None


def _figures(imagined: Sequence[ImaginedBars], ticks: int) -> list[comping.Figure]:
    figures = [one.figure for one in imagined if one.ticks == ticks]
    return [figure for figure in figures if figure]


def turns(plan: SongPlan, later: Sequence[BassBar]) -> bool:
    """Return whether another section begins after this bar, as far as the bass is known."""
    if plan.form:
        return len(plan.form) > 1 and plan.form[1] != plan.form[0]
    if not later or plan.heard - plan.began < LEAST_BARS - 1:
        return False
    here = plan.sections[plan.current]
    if later[0].ticks != here.ticks:
        return not any(bar.ticks == here.ticks and bar.notes for bar in later[1:LEAST_BARS])
    if comes_back(here, later, plan.heard + 1 - plan.began):
        return False
    window = [bar for bar in later[:WINDOW] if bar.ticks == here.ticks]
    return (
        any(b.notes for b in window)
        and alike(window, here.examples) < NEW_BELOW
        and alike(later[:1], here.examples) < 0.6
    )
