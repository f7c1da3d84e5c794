"""Reads what a song is to be like, or to go on from: a MIDI or sound file, a recorded session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.core.errors import UserError
from agent.core.music_names import key_name
from agent.core.music_names import key_of as key_named
from agent.core.paths import GUEST, data_folder, voice_path
from agent.listen.file_listener import listen_file
from agent.listen.gathered import Hearing
from agent.making.outline import Given
from agent.memory.store import FILE, Memory
from agent.memory.taste import HALF_LIFE_DAYS, declined_grooves, taste_of
from agent.parts.bar_chords import chords_of
from agent.parts.bass_bar import BassBar, bass_bar, bass_bars
from agent.parts.song_key import SongKey, key_of
from agent.recording.derived_files import EVENTS
from agent.recording.event_rows import BeatRow, NoteRow, rows
from agent.reply.reply import BassPart, bass_part
from agent.song.song_form import KNOWN_FROM, NEW_BELOW, alike
from agent.takes.riff import riff_of, runs_of
from listener.types import Beat, Key, Meter, Note
from models.music.dials import NUMBERS
from models.music.midi_reader import Score, Unusable, read_score

LONGEST_S = 90.0  # of a sound file that is heard
BARS = 8  # of the bass, whose harmony and fullness count
RIFF_BARS = 2
UNSAID = "C"  # the key signature of a file that says none
SWUNG = 0.62
USUAL_BPM = 110.0
MIDI_ENDINGS = (".mid", ".midi", ".smf")
TRIAD = {"7": "maj", "maj7": "maj", "min7": "min", "min7b5": "dim"}
FULL = 11.0  # notes in 16 ticks of the fullest bass


def given_by(path: Path, player: str = GUEST, half_life_days: float = HALF_LIFE_DAYS) -> Given:
    """Return what a reference gives: of a file its time, key, fullness and harmony; of a session its riff as well, and
    the player's taste and sound. half_life_days: after which an old verdict weighs half. Raises UserError where it
    cannot be read or no bass is in it."""
    if is_session(path):
        return _with_player(_of_session(path), player, half_life_days)
    if path.is_dir():
        raise UserError(f"--like {path}: no session is in it (no {EVENTS}); give a file or a session's folder")
    if not path.is_file():
        raise UserError(f"--like {path}: there is no such file; give a MIDI or sound file or a session's folder")
    return _of_midi(path) if is_midi(path) else _of_sound(path)


def is_session(path: Path) -> bool:
    """Return whether a folder is that of a recorded session."""
    return (path / EVENTS).is_file()


def is_midi(path: Path) -> bool:
    """Return whether a file's name is that of a MIDI file."""
    return path.suffix.lower() in MIDI_ENDINGS


def going_on_from(path: Path) -> Given:
    """Return what the last bars of a MIDI file give to a song that goes on from them: time, key, fullness, harmony and
    their riff. Raises UserError where it cannot be read or no bass is in it."""
    try:
        score, part, bars = _bass_of(path)
    except Unusable as cause:
        raise UserError(f"--continue {path}: {cause}") from None
    if len(bars) > RIFF_BARS and len(bars[-1].notes) < 2:  # the note that ended it
        bars = bars[:-1]
    last = bars[-BARS:]
    at = part.grid.at(sum(bar.ticks for bar in bars[: len(bars) - len(last)]) + _ticks_before(part))
    us = [us for begins, us in score.tempi if begins <= at] or [round(60e6 / (part.quarter_bpm or USUAL_BPM))]
    given = _given(last, 60e6 / us[-1], _swing(part), f"the end of {path.name}", _signed(score, at))
    riff = tuple(last[:RIFF_BARS])
    kept = riff if len({str(bar.meter) for bar in riff}) == 1 and all(bar.notes for bar in riff) else ()
    return replace(given, riff=kept, begun=True)


def _of_midi(path: Path) -> Given:
    try:
        score, part, bars = _bass_of(path)
    except Unusable as cause:
        raise UserError(f"--like {path}: {cause}") from None
    return _given(bars, _usual_bpm(score), _swing(part), f"the bass of {path.name}", _signed(score, 0))


def _usual_bpm(score: Score) -> float:
    """Return the quarters a minute that a file has in its middle: half of it is slower, half of it faster."""
    if not score.tempi:
        return USUAL_BPM
    ends = (*(tick for tick, _ in score.tempi[1:]), score.end)
    held = sorted((us, max(end - tick, 0)) for (tick, us), end in zip(score.tempi, ends, strict=True))
    until = np.cumsum([ticks for _, ticks in held])
    return 60e6 / held[int(np.searchsorted(until, until[-1] / 2))][0]


def _bass_of(path: Path) -> tuple[Score, BassPart, list[BassBar]]:
    score = read_score(path, near=True)
    part = bass_part(score, path.name)
    return score, part, [bar for bar in bass_bars(part.places, part.basses)[part.begins :] if bar.ticks]


def _signed(score: Score, at: int) -> Key | None:
    """Return the key signature at a MIDI tick; None where there is none, or the one that files have by default."""
    said = [name for begins, name in score.keys if begins <= at] or [name for _, name in score.keys[:1]]
    return key_named(said[-1]) if said and said[-1] != UNSAID else None


def _ticks_before(part: BassPart) -> int:
    return sum(place.bar < part.begins for place in part.places)


def _swing(part: BassPart) -> float | None:
    return SWUNG if part.grid.is_swung else None


def _of_sound(path: Path) -> Given:
    hearing = Hearing()
    try:
        for _ in listen_file(str(path), hearing, most_s=LONGEST_S):
            pass
    except (ValueError, OSError) as cause:
        raise UserError(f"--like {path}: {cause}") from None
    swing = hearing.feel.swing if hearing.feel else None
    notes = list(hearing.notes.values())
    given = _of_notes(notes, hearing.beats, swing, f"what is heard in {path.name}", path)
    return replace(
        given, riff=(), other=(), other_cycle=()
    )  # a file's riff is somebody's; a session's is the player's own


def _of_session(folder: Path) -> Given:
    notes: dict[float, Note] = {}
    beats: list[Beat] = []
    for row in rows(folder / EVENTS):
        match row:
            case NoteRow():
                notes[row.onset_s] = row.note()
            case BeatRow():
                beats.append(row.beat())
    given = _of_notes(list(notes.values()), beats, None, f"what was played in {folder.name}", folder)
    played = [bar for bar in given.riff if bar.notes]
    return given if len(played) == len(given.riff) else replace(given, riff=(), other=(), other_cycle=())


def _with_player(given: Given, player: str, half_life_days: float) -> Given:
    """Return what is given with the dials and the grooves that the player likes, and their own sound for the line."""
    folder, voice = data_folder(), voice_path(player)
    if voice is not None and voice.is_file():
        given = replace(given, voice=voice, said=f"{given.said}; the line in {player}'s own sound")
    if player == GUEST or not (folder / FILE).is_file():
        return given
    with closing(Memory(folder)) as memory:
        known = memory.player(player)
        taste, declined = taste_of(memory, known, time.time(), half_life_days), declined_grooves(memory, known)
    wishes = {name: value for name, value in taste.preferred().items() if name in NUMBERS}
    liking = taste.liking()
    said = "".join(f"; {name} {value:.2f} as {player} likes it" for name, value in sorted(wishes.items()))
    liked = sum(value > 0 for value in liking.values())
    said += f"; grooves like the {liked} that {player} likes" if liked else ""
    said += f"; without {', '.join(sorted(declined))}, which {player} does not like" if declined else ""
    return replace(given, wishes=wishes, liking=liking, declined=declined, said=given.said + said)


def _of_notes(notes: Sequence[Note], beats: Sequence[Beat], swing: float | None, name: str, path: Path) -> Given:
    if not notes:
        raise UserError(f"--like {path}: no bass is heard in it; give another reference")
    for count in (BARS, 4, RIFF_BARS):
        try:
            riff = riff_of(notes, beats, count)
            break
        except UserError:
            continue
    else:
        raise UserError(f"--like {path}: fewer than {RIFF_BARS} whole bars are heard in it; give a longer one")
    bars = [bass_bar(bar.meter, bar.basses) for bar in riff.bars]
    given = replace(_given(bars, riff.tempo_bpm, swing, name), riff=tuple(bars[:RIFF_BARS]))
    other = _other_riff(notes, beats, given.riff)
    if not other or given.key is None:
        return given
    cycle = _cycle(other, SongKey(tonic=given.key.tonic, mode=given.key.mode), given.key)
    return replace(given, other=other, other_cycle=cycle)


def _other_riff(notes: Sequence[Note], beats: Sequence[Beat], first: Sequence[BassBar]) -> tuple[BassBar, ...]:
    """Return the first two bars that were played twice in a row and are unlike the first riff; () where none were."""
    for run in runs_of(notes, beats):
        bars = [bass_bar(bar.meter, bar.basses) for bar in run]
        for at in range(len(bars) - 2 * RIFF_BARS + 1):
            riff, again = bars[at : at + RIFF_BARS], bars[at + RIFF_BARS : at + 2 * RIFF_BARS]
            played = all(bar.notes and bar.meter == first[0].meter for bar in riff)
            if played and alike(again, riff) >= KNOWN_FROM and alike(riff, first) < NEW_BELOW:
                return tuple(riff)
    return ()


def _given(
    bars: Sequence[BassBar], quarter_bpm: float, swing: float | None, name: str, signed: Key | None = None
) -> Given:
    """Return tempo, key, meter, fullness and harmony of bars of bass. signed: the key that the file says."""
    found = key_of(list(bars))
    if signed:
        found = replace(found, tonic=signed.tonic, mode=signed.mode, given=True)
    key = Key(max(found.tonic, 0), found.mode, 1.0)
    own = [bar for bar in bars if bar.notes][:BARS]
    if not own:
        raise UserError(f"{name}: no bass is in it; give another reference")
    density = float(np.mean([16 * len(bar.notes) / bar.ticks for bar in own]))
    bpm = quarter_bpm
    while bpm > 200:
        bpm /= 2
    while bpm < 50:
        bpm *= 2
    cycle = _cycle(own, found, key)
    meter = Meter(own[0].meter.numerator, own[0].meter.denominator, own[0].meter.grouping)
    said = f"{name}: {bpm:.0f} quarters a minute, {key_name(key)}, {density:.0f} notes of the bass in four quarters"
    return Given(bpm, key, meter, swing, min(density / FULL, 1.0), (), cycle, said=said)


def _cycle(bars: Sequence[BassBar], found: SongKey, key: Key) -> tuple[tuple[int, str], ...]:
    """Return the chords of the first four or eight bars, one a bar, as degrees."""
    held, out = None, []
    count = 4 if len(bars) < 8 or all(bars[i].signature == bars[i + 4].signature for i in range(4)) else 8
    for bar in bars[:count]:
        chords = chords_of(bar, found, held)
        held = chords[-1] if chords else held
        if chords:
            quality = chords[0].quality
            out.append(((chords[0].root - key.tonic) % 12, TRIAD.get(quality, quality)))
    return tuple(out)
