"""Writes down in plain words what was decided of a song and why: what was asked, form, harmony, bass, band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from agent.core.music_names import class_name, key_name, pitch_name
from agent.making.changes import changes, facts
from agent.making.form import Part, bar_s
from agent.making.song_maker import Song
from agent.parts.bass_bar import BassBar
from listener.types import Key

DEGREES = ("I", "bII", "II", "bIII", "III", "IV", "bV", "V", "bVI", "VI", "bVII", "VII")
FIGURES = {
    "play": "playable",
    "answer": "second bar answers the first",
    "chord": "says the chord",
    "density": "as full as asked",
    "pitches": "few and enough pitches",
    "motion": "steps, fifths, octaves",
    "rests": "leaves room",
    "critic": "the critic's logit that chords and bass belong together",
}


def account(song: Song, before: Mapping[str, str] | None = None) -> str:
    """Return the account of a song, as Markdown. before: facts of the song that it revises."""
    return "\n".join(_lines(song, before)) + "\n"


def summary(song: Song) -> str:
    """Return the song in one line."""
    form = song.form
    meters = " ".join(dict.fromkeys(str(meter) for meter in form.meters))
    sections = ", ".join(part.name for part in form.parts)
    seconds = round(song.seconds)
    return (
        f"{key_name(song.key)}, {song.quarter_bpm:g} quarters a minute, {meters}, {len(form.meters)} bars, "
        f"{seconds // 60}:{seconds % 60:02d}; {sections}"
    )


def _lines(song: Song, before: Mapping[str, str] | None) -> Iterator[str]:
    yield "# What was made"
    yield ""
    yield summary(song) + f". Seed {song.seed}."
    yield ""
    yield "## What was asked"
    yield ""
    for number, sentence in enumerate(song.brief.sentences, 1):
        yield f"{number}. {sentence}"
    yield ""
    yield from (f"- {one}" for one in song.brief.told)
    if song.like:
        full = "; how full it is, the mood says" if song.brief.mood else ""
        yield f"- {'goes on from' if song.begun else 'like'} {song.like}{full}"
    for words in song.brief.strange:
        yield f"- {words}: not understood; nothing was made of it"
    for one in song.brief.cannot:
        yield f"- {one}"
    yield ""
    if before:
        yield "## What changed"
        yield ""
        found = list(changes(before, facts(song)))
        yield from (f"- {one}" for one in found or ["nothing: the song before did this already"])
        yield ""
    yield "## The form"
    yield ""
    yield "| from | section | bars | chords | how full | out |"
    yield "|---|---|---|---|---|---|"
    yield from _form(song)
    yield ""
    yield "## The bass"
    yield ""
    if song.revised:
        yield "It is that of the song before: nothing else was asked of it."
    else:
        yield "The responder imagined it; of its candidates that riff is kept which is best to play and to remember."
        for role in (role for role in song.themes.riffs if not song.themes.worth.get(role)):
            yield f"The riff of the {role} was played: it is that of {song.like.partition(':')[0]}."
    yield ""
    for role, riff in song.themes.riffs.items():
        yield f"- {role}: {_riff(riff, song.key)}"
        if figures := song.themes.worth.get(role):
            said = ", ".join(f"{FIGURES[name]} {value:.2f}" for name, value in figures.items() if name in FIGURES)
            yield f"  ({said})"
    yield ""
    yield "## The band"
    yield ""
    yield from _choices(song)


def _form(song: Song) -> Iterator[str]:
    at_s = 0.0
    starts = []
    for meter in song.form.meters:
        starts.append(at_s)
        at_s += bar_s(meter, song.quarter_bpm)
    for part in song.form.parts:
        from_s = round(starts[part.first])
        chords = _cycle([_chord(song, bar) for bar in range(part.first, part.end)])
        levels = song.form.levels[part.first : part.end]
        odd = [str(song.form.meters[bar]) for bar in range(part.first, part.end)]
        other = sorted({meter for meter in odd if meter != str(song.form.meters[0])})
        bars = f"{part.bars}" + (f", the last in {other[0]}" if other else "")
        yield (
            f"| {from_s // 60}:{from_s % 60:02d} | {part.name} | {bars} | {' '.join(chords)} | "
            f"{levels[0]:.0%} to {levels[-1]:.0%} | {_out(song, part)} |"
        )


def _cycle(chords: Sequence[str]) -> list[str]:
    """Return the chords of a section's bars, as far as they do not only come again; at most of eight bars."""
    for count in (1, 2, 4):
        whole = list(chords[: count * (len(chords) // count)])[:-1]  # the last bar may lead elsewhere
        if all(chord == chords[at % count] for at, chord in enumerate(whole)):
            return list(chords[:count])
    return list(chords[:8])


def _out(song: Song, part: Part) -> str:
    """Return which parts rest in a section, and in which of its bars."""
    said = []
    rows = [song.take.settings[bar].muted for bar in range(part.first, part.end)]
    for muted, group in groupby(range(len(rows)), key=lambda at: rows[at]):
        bars = list(group)
        if not muted:
            continue
        where = f"bars {bars[0] + 1} to {bars[-1] + 1}" if len(bars) > 1 else f"bar {bars[0] + 1}"
        parts = ", ".join(sorted(muted)).replace("_", " ")
        said.append(parts if len(bars) == len(rows) else f"{parts} in {where}")
    return "; ".join(said) or "-"


def _chord(song: Song, bar: int) -> str:
    said = []
    for one in song.harmonies[bar]:
        quality = {"maj": "", "min": "m"}.get(one.quality, one.quality)
        said.append(f"{class_name(one.root, song.key)}{quality}")
    return "/".join(said)


def _riff(riff: Sequence[BassBar], key: Key) -> str:
    said = [[f"{pitch_name(n.pitch, key)}@{n.tick + 1}" for n in bar.notes] for bar in riff]
    return " | ".join(" ".join(notes) or "rest" for notes in said)


def _choices(song: Song) -> Iterator[str]:
    for plan in song.plans:
        for choice in plan.choices:
            if choice.what == "section":
                where = song.form.part_at(plan.number).name
                yield f"- bar {plan.number + 1} ({where}): section {choice.chosen}: {choice.reason}"
                continue
            other = f" rather than {choice.runner_up}" if choice.runner_up else ""
            yield f"  - {choice.what} {choice.chosen}{other}: {choice.reason}"
