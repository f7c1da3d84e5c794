"""`Songbook` is the song of a running session: sections are kept in it and gone back to, it is saved as it grows, and
songs and the set list are opened from it. It runs in the parent's loop; files are small and written whole."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent.core.errors import UserError
from agent.core.messages import CountIn, GoToSection, KeepSection, LoopRiff
from agent.core.music_names import chord_name
from agent.core.types import Decision
from agent.parts.groove_library import GrooveLibrary
from agent.song.kept import NOTHING_TO_KEEP, UNSURE_OF_BARS, KeptSection
from agent.songbook import song_file
from agent.songbook.song_file import DAYS, EditJson, Song, Sound, ago, plain
from listener.types import Chord, Meter

log = logging.getLogger(__name__)

OFFERED_AT = 2  # times that a bar is played with another chord than the section has, before it is said
Edits = tuple[EditJson, ...]
Cut = Callable[[float, float, Path], float]


class Songbook:
    """send: sends a message to the mind. standing: returns the directions in force, stand: puts others in force."""

    def __init__(
        self,
        send: Callable[[CountIn | GoToSection | KeepSection | LoopRiff], object],
        standing: Callable[[], Edits] = tuple,
        stand: Callable[[Edits], object] = lambda edits: None,
        now_s: Callable[[], float] = time.time,
        cut: Cut | None = None,
    ) -> None:
        self._cut, self._not_kept, self._bars_sure = cut, NOTHING_TO_KEEP, False
        self._send, self._standing, self._stand, self._now_s = send, standing, stand, now_s
        self.song = Song("")
        self.playing = ""  # the section that was gone to, or kept, last
        self._began: int | None = None  # the bar with which it began
        self._at = -1  # in the song's order
        self._wanted: str = ""  # gone to, not begun yet
        self._lines: list[str] = []
        self._library: GrooveLibrary | None = None
        self._beat = Meter(4, 4), 0.0  # meter and quarters a minute, as they were heard last
        self._differs: dict[tuple[int, int], int] = {}  # (bar of the section, root) -> times played unlike the chart
        self._bar, self._looping = -1, False
        self._last_chord: tuple[int, str] | None = None  # that the band played in the bar before

    # -- what is asked ----------------------------------------------------------------------------------------

    def keep(self, name: str, sound: bool = False) -> str:
        """Ask the mind for what is played now, as a section of this name; "" = the next free one."""
        name = " ".join(name.split()) or self._free_name()
        if len(name) > song_file.NAME_MAX or not plain(name):
            raise UserError(f"section {name[:40]!r}: give a name of 1 to {song_file.NAME_MAX} letters")
        if self._not_kept or (sound and not self._bars_sure):
            raise UserError(self._not_kept or UNSURE_OF_BARS)
        self._send(KeepSection(plain(name), sound))
        return f"keeping this as {plain(name)}"

    def bring(self, kept: KeptSection, cut: Cut) -> str:
        """Keep a riff that was recorded before. cut: writes a stretch of that recording into a file, and returns what
        it wrote before it, in seconds."""
        self._cut, before = cut, self._cut
        try:
            return self._keep(kept)
        finally:
            self._cut = before

    def _free_name(self) -> str:
        taken = {one.name for one in self.song.sections}
        return next(name for number in range(1, 10_000) if (name := f"riff {number}") not in taken)

    def to(self, name: str) -> str:
        """Go to a section, from the next one on. Raises UserError, with the nearest names, where there is none."""
        if plain(name) == "next" and self.song.order:
            name = self.song.order[(self._at + 1) % len(self.song.order)]
        kept = self.song.section(name)
        if self._looping:
            self.loop("off")
        self._go(kept)
        if kept.name in self.song.order:
            later = [i for i, one in enumerate(self.song.order) if one == kept.name and i > self._at]
            self._at = later[0] if later else self.song.order.index(kept.name)
        return f"to {the(kept.name)}, from the next one on"

    def _go(self, kept: KeptSection) -> None:
        self._send(GoToSection(kept))
        self._stand(self.song.edits.get(kept.name, ()))
        self._wanted, self._began = kept.name, None

    def chart(self, name: str, text: str) -> str:
        """Write a section's chords, as typed or as spoken: the band plays them from when it is gone to."""
        from agent.songbook.chart import section_of, spoken

        kept = next((one for one in self.song.sections if plain(one.name) == plain(name)), None)
        meter, bpm = self._beat
        body = text if "|" in text else spoken(text)
        made = section_of(
            plain(name) or "chart", body, kept.section.meter if kept else meter, bpm, None, self._grooves()
        )
        if kept:  # it keeps its groove
            made = replace(made, section=replace(kept.section, name=made.name), quarter_bpm=kept.quarter_bpm)
        return self._keep(made)

    def _grooves(self) -> GrooveLibrary:
        self._library = self._library or GrooveLibrary.load()
        return self._library

    def loop(self, name: str) -> str:
        """Repeat a kept riff from the next one on; "" = the newest, "off" = stop. Raises UserError for one without
        a sound."""
        if name == "off":
            self._looping = False
            self._send(LoopRiff(None))
            return "the loop ends with the next bar line"
        if not name and not self.song.sounds:
            raise UserError("no riff was taken yet; play one and say: take that")
        kept = self.song.section(name or list(self.song.sounds)[-1])
        sound = self.song.sounds.get(kept.name)
        if sound is None:
            raise UserError(f"{the(kept.name)} has no sound; play it and say: take {kept.name}")
        path = song_file.folder() / sound.file
        if not path.exists():
            raise UserError(f"the sound of {the(kept.name)} is not there (any more): {path}")
        beats = kept.quarter_bpm * kept.section.meter.denominator / 4
        self._send(CountIn(beats or None, str(kept.section.meter), True))
        self._send(LoopRiff(kept, str(path), sound.seconds, sound.before_s))
        self._looping = True
        self._stand(self.song.edits.get(kept.name, ()))
        self._wanted, self._began = kept.name, None
        return f"looping {the(kept.name)} from the next one on; `loop off` ends it"

    def looped(self) -> tuple[KeptSection, Path, Sound, int] | None:
        """Return the riff that loops, its sound and the band's bar with which it began; None before that."""
        kept = self._here()
        sound = self.song.sounds.get(kept.name) if kept else None
        if not self._looping or self._began is None or kept is None or sound is None:
            return None
        return kept, song_file.folder() / sound.file, sound, self._began

    @property
    def coming(self) -> str:
        """The section that was gone to and has not begun yet; "" for none."""
        return self._wanted if self._began is None else ""

    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.song.sections)

    def do(self, what: str) -> str:
        """Carry out `song ...`: a name opens it, `next` steps on in the set list, `order A A B`, `name NAME`, ""."""
        verb, _, rest = what.strip().partition(" ")
        if not verb:
            return self.describe()
        if verb == "order":
            return self._order(rest)
        if verb == "name" and rest:
            return self._name(rest)
        if verb == "next" and not rest:
            return self.next_song()
        return self.open(song_file.named(what), True)

    def describe(self) -> str:
        """Return the song that is open, in one line."""
        if not self.song.sections:
            return "no song is open; keep a section, or open one: song NAME"
        order = f"; order {' '.join(self.song.order)}" if self.song.order else ""
        return f"{self.song.name}: {', '.join(self.names())}{order}"

    def open(self, song: Song, counts: bool) -> str:
        """Open a song and begin it with its first section. counts: with a count-in, after a last stroke where the band
        plays."""
        if not song.sections:
            raise UserError(f"song {song.name!r} has no sections yet")
        last = ago(song.played_s or song.began_s, self._now_s())
        self.song = replace(song, played_s=self._now_s())
        self._at = 0 if song.order else -1
        self._save()
        first = song.section(song.order[0]) if song.order else song.sections[0]
        if counts:
            beats = first.quarter_bpm * first.section.meter.denominator / 4
            self._send(CountIn(beats or None, str(first.section.meter), True, ends=True))
        self._go(first)
        return f"{song.name}: {', '.join(self.names())}" + (f"; last played {last}" if last else "")

    def next_song(self) -> str:
        """Open the next song of the set list, counted in. Raises UserError where there is none."""
        names = song_file.set_list()
        if not names:
            raise UserError("the set list is empty; `antiphon songs new` makes a song, `section NAME` keeps one")
        here = [i for i, name in enumerate(names) if plain(name.replace("-", " ")) == plain(self.song.name)]
        return self.open(song_file.named(names[(here[0] + 1) % len(names)] if here else names[0]), True)

    def _order(self, names: str) -> str:
        order = tuple(self.song.section(name).name for name in names.replace(",", " ").split())
        if len(order) > song_file.ORDER_MAX:
            raise UserError(f"an order has {song_file.ORDER_MAX} sections at most")
        self.song, self._at = replace(self.song, order=order), -1
        self._save()
        return f"order: {' '.join(order)}" if order else "no order: I stay in a section until you say where to"

    def _name(self, name: str) -> str:
        song_file.path_of(name)
        self.song = replace(self.song, name=" ".join(name.split()))
        self._save()
        return f"this song is {self.song.name}"

    # -- what happens -----------------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return a line when there is something to say, else ""."""
        self._not_kept, self._bars_sure = decision.not_kept, decision.bars_sure
        if isinstance(decision.kept, str):
            return decision.kept
        if isinstance(decision.kept, KeptSection):
            return self._keep(decision.kept)
        grid = decision.analysis.grid if decision.analysis else None
        if grid is not None:
            self._beat = grid.meter, 240 / (grid.period_s * grid.meter.denominator)
        self._go_on(decision)
        return self._compare(decision)

    def _keep(self, kept: KeptSection) -> str:
        if not self.song.name:
            self.song = replace(self.song, name=self._new_name(), began_s=self._now_s(), played_s=self._now_s())
        try:
            self.song = self.song.with_section(kept, self._standing())
        except UserError as cause:
            return str(cause)
        self.playing = kept.name
        unsaved = self._keep_sound(kept) or self._save()
        return f"Kept as {kept.name}: {told(kept)}." + (f" ({unsaved})" if unsaved else "")

    def _keep_sound(self, kept: KeptSection) -> str:
        """Write the sound of a riff that was taken; return why that failed, "" where it did not or has none."""
        if kept.end_s <= kept.start_s or self._cut is None:
            return ""
        path = song_file.path_of(f"{self.song.name[:28]} {kept.name[:28]}").with_suffix(".wav")
        try:
            before_s = self._cut(kept.start_s, kept.end_s, path)
        except (OSError, ValueError) as cause:
            self._save()
            return f"without its sound: {cause}"
        sound = Sound(path.name, kept.end_s - kept.start_s, before_s)
        self.song = replace(self.song, sounds={**self.song.sounds, kept.name: sound})
        return ""

    def _new_name(self) -> str:
        """Return a name for a song that has none: the day, with a number where there is one."""
        day = DAYS[time.localtime(self._now_s()).tm_wday].lower()
        taken = {path.stem for path in song_file.saved()}
        return next(
            name for number in range(1, 10_000) if (name := day if number == 1 else f"{day}-{number}") not in taken
        )

    def _save(self) -> str:
        """Save the song; return why that failed, "" where it did not."""
        if not self.song.name or not self.song.sections:
            return ""
        try:
            song_file.save(self.song)
        except OSError as cause:
            log.warning("song %s: not saved: %s", self.song.name, cause)
            return f"not saved: {cause.strerror or cause}"
        return ""

    def _compare(self, decision: Decision) -> str:
        """Where the player plays another chord than the section has, twice in the same bar: offer it as a change."""
        song, kept = decision.song, self._here()
        if (
            song is None
            or not song.chords
            or kept is None
            or not kept.written
            or self._began is None
            or decision.bar == self._bar
        ):
            self._last_chord = song.chords[0] if song and song.chords else None
            return ""
        before, self._bar = self._bar, decision.bar
        at = (before - self._began) % len(kept.chords)
        played, self._last_chord = self._last_chord, song.chords[0]
        wanted = kept.chords[at]
        if played is None or before < self._began or not wanted or played[0] in {one.root for one in wanted}:
            return ""
        self._differs[at, played[0]] = times = self._differs.get((at, played[0]), 0) + 1
        if times != OFFERED_AT:
            return ""
        names = [
            chord_name(Chord(root, quality, 1.0)) for root, quality in ((wanted[0].root, wanted[0].quality), played)
        ]
        return (
            f"Bar {at + 1} of {the(kept.name)} has {names[0]}; you play {names[1]}. `section {kept.name}` keeps yours."
        )

    def _here(self) -> KeptSection | None:
        return next((one for one in self.song.sections if one.name == self.playing), None)

    def _go_on(self, decision: Decision) -> None:
        """Where the song has an order, go on to the next section with the last bar of this one."""
        if decision.song is None:
            return
        if self._wanted and decision.song.section == self._wanted and self._began is None:
            self._began, self.playing, self._differs = decision.bar, self._wanted, {}
        if self._began is None or not self.song.order or self._at < 0:
            return
        bars = len(self.song.section(self.song.order[self._at]).bars)
        if decision.bar == self._began + bars - 1 and self._at + 1 < len(self.song.order):
            self._at += 1
            self._go(self.song.section(self.song.order[self._at]))


def the(name: str) -> str:
    """Return a section's name as it is said: "the verse", "riff 1"."""
    return name if any(letter.isdigit() for letter in name) else f"the {name}"


def told(kept: KeptSection) -> str:
    """Return a section in words: "4 bars of 4/4, Em C D, at 100"."""
    names = [chord_name(Chord(one.root, one.quality, 1.0)) for bar in kept.chords for one in bar]
    chords = " ".join(name for i, name in enumerate(names) if i == 0 or name != names[i - 1])
    bars = f"{len(kept.bars)} bar{'s' if len(kept.bars) != 1 else ''} of {kept.section.meter}"
    odd = "; ".join(f"bar {at + 1} in {meter}" for at, meter in kept.odd)
    tempo = f"at {kept.quarter_bpm * kept.section.meter.denominator / 4:.0f}" if kept.quarter_bpm else ""
    return ", ".join(part for part in (bars, odd, chords, tempo) if part)
