"""Advances the song plan while it is played: bars planned on what is foretold, mended by what is heard, tick by tick.

A bar is planned anew until its first tick is committed; from then on only its harmony may still be mended, from the
first eighth that is not committed yet. Deterministic and picklable but for the library of grooves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.types import Choice, SongView
from agent.parts.bar_chords import ChordAt, chords_of, fits
from agent.parts.bass_bar import BassBar, BassNote, bass_bar, group_starts, likeness
from agent.parts.counter_line import Motif
from agent.parts.drum_groove import Groove
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import text_of
from agent.parts.imagination import ImaginedBars
from agent.parts.song_key import key_given
from agent.song.bar_planner import plan_bar
from agent.song.bar_player import replies_of
from agent.song.expectation import SAME_FROM, expects_stop, foretell, recognised
from agent.song.kept import KeptSection, kept_of, plays_a_section, with_kept
from agent.song.plan_ticks import plan_tick
from agent.song.rebarring import HeardTick, at_level, in_bars, player_moved, with_bars
from agent.song.right_harmony import chord_at, is_right, kindred_harmony, mended, same_harmony, surprises
from agent.song.section_groove import candidates
from agent.song.sections import opens
from agent.song.song_plan import BarPlan, Section, SongPlan, Wish, hear
from listener.types import Key, Meter
from models.critic.critic import Critic
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, Position, Reply

AHEAD_BARS = 2  # foretold when a bar is planned
KEPT_CHOICES = 32
SIDE_STICK, OPEN_TOUCH = "side stick, closed hats", "snare and hats as the groove has them"
TIMES_MAX = 256  # bass bars whose times are counted
VIEW_BARS = 4
SAME_TEMPO = 0.08
HEARD_TICKS = 512  # that may be cut into other bars


@dataclass(frozen=True, slots=True)
class ScoredBar:
    """A bar that is known before it is played: its bass, its chords, the name of its section, its key."""

    bar: BassBar
    harmony: tuple[ChordAt, ...]
    section: str
    key: Key


@dataclass(slots=True)
class _Planned:
    """A bar that was planned: after: the song with its decisions, before the bar was heard; told: the bass that was
    foretold; last: of its ticks that are committed, -1 for none."""

    bar: BarPlan
    after: SongPlan
    replies: list[Reply]
    told: BassBar
    last: int = -1


class LiveSong:
    """reply(position, final) for any tick from the one being heard on; on_tick(position, bass) once for every tick
    heard.
    """

    def __init__(
        self, library: GrooveLibrary, seed: int, style: str | None = None, critic: Critic | None = None
    ) -> None:
        self.library, self.critic, self._seed, self._style = library, critic, seed, style
        self.imagined: tuple[ImaginedBars, ...] = ()
        self.bits: Mapping[str, float] = {}  # of grooves, to the responder
        self.song = SongPlan(seed=seed, style=style)
        self._times: dict[frozenset[tuple[int, int]], int] = {}  # how often each bass bar was heard, note for note
        self._played: tuple[Section, ...] = ()  # sections that the band has played in
        self._recalled: tuple[int, KeptSection] | None = None  # a section to begin, and with which bar
        self._script: tuple[int, KeptSection] | None = None  # the one that was begun last
        self.score: Mapping[int, ScoredBar] = {}  # bars that are known before they are played, as the song counts them
        self._shown: tuple[Groove | None, str] = (None, "")  # the groove that is shown, its kicks and snares as text
        self._answers: dict[int, tuple[Motif | None, int]] = {}  # of the line to another band, by bar
        self.reset()

    def reset(self) -> None:
        """Forget where in the song we are: there is no beat any more. What is known of the song is kept."""
        song = self.song
        self.song = replace(song, sections=self._played, current=-1, held=None, statement=None, phrase_of=song.heard)
        self._recalled = self._script = None
        self._number: int | None = None  # the bar being heard, as the planner counts
        self._meter = Meter(4, 4)
        self._ticks: list[BassTick] = []
        self._heard_ticks: deque[HeardTick] = deque(maxlen=HEARD_TICKS)
        self._planned: dict[int, _Planned] = {}
        self._choices: list[Choice] = []
        self._touch: tuple[Choice, ...] = ()  # how the drummer plays from the next bar on, where that changes
        self.ever_heard = False
        self.sounds = False  # whether the band plays: until it does, its section is chosen anew each bar

    def ask(self, wish: Wish, swung: bool, style: str | None, quarter_bpm: float, muted: bool = False) -> None:
        """Set what the next bars are planned on. A tempo that drifts is the same tempo. muted: as in SongPlan."""
        if muted != self.song.muted:
            touch, reason = (SIDE_STICK, "the bass is muted") if muted else (OPEN_TOUCH, "the bass is open again")
            self._touch = (Choice("touch", touch, reason=reason),)
        before = self.song.quarter_bpm
        same = before and abs(quarter_bpm / before - 1) < SAME_TEMPO
        bpm = before if same else quarter_bpm
        asked = replace(self.song, wish=wish, swung=swung, style=style or self._style, quarter_bpm=bpm)
        self.song = replace(asked, muted=muted)

    def like_grooves(self, liking: Mapping[str, float], declined: frozenset[str]) -> None:
        """Set which grooves the player likes, as in SongPlan; one that is declined ends with this bar."""
        self.song = replace(self.song, liking=liking, declined=declined)

    @property
    def sound_style(self) -> str | None:
        """Return the style whose instruments play: the one asked for, else that of the song's first groove."""
        song = self.song
        return song.style or (song.sections[0].groove.style if song.sections else None)

    def answer(self, bar: int, motif: Motif | None) -> None:
        """Have the line answer this in two bars from `bar` on, where that is not decided yet. None: say its own."""
        self._answers = {bar: (motif, 0), bar + 1: (motif, 1)}

    def coming(self, bar: int) -> ScoredBar | None:
        """Return what is known, planned or, of the bar after the one being heard, expected of a bar."""
        if bar in self.score:
            return self.score[bar]
        planned = self._planned.get(bar)
        if planned is None and bar - 1 == self._number and self.sounds:
            planned = self._plan(Position(0, bar, self._meter), False)
        if planned is None:
            return None
        key = planned.after.key
        told = Key(max(key.tonic, 0), key.mode, 1.0)
        return ScoredBar(planned.told, planned.bar.harmony, planned.bar.section, told)

    def take_choices(self) -> tuple[Choice, ...]:
        """Return everything decided since the last call; bars as the planner counts them."""
        choices, self._choices = tuple(self._choices), []
        return choices

    def view(self, bar: int) -> SongView | None:
        """Return where in the song a bar lies, with the chords from it on; None where it is not planned."""
        plans = [self._planned[at].bar for at in range(bar, bar + VIEW_BARS) if at in self._planned]
        if bar not in self._planned:
            return None
        now = plans[0]
        chords = tuple((one.root, one.quality) for plan in plans for one in plan.chords)
        soon = plans[:2]
        coming = "break" if any(one.is_break for one in soon) else "fill" if any(one.is_fill for one in soon) else ""
        after = self._planned[bar].after
        groove = after.sections[after.current].groove
        if groove is not self._shown[0]:
            self._shown = groove, text_of(groove)
        return SongView(now.section, now.place.bar, now.place.length, chords, coming, groove.name, self._shown[1])

    def told_notes(self, bar: int) -> tuple[BassNote, ...]:
        """Return the bass that was foretold for a bar when it was planned; () where it is not planned."""
        planned = self._planned.get(bar)
        return planned.told.notes if planned else ()

    def told(self, position: Position) -> PlanTick | None:
        """Return what is decided of a tick, as the responder reads it; None where its bar is not planned."""
        planned = self._planned.get(position.bar)
        return plan_tick(planned.bar, planned.after, position.tick) if planned else None

    # -- what is heard ----------------------------------------------------------------------------------------

    def on_tick(self, position: Position, bass: BassTick, played: bool = True) -> None:
        """Take one tick of the bass that is heard in full. played: False = it was told, nobody played it."""
        if self._number is not None and position.bar != self._number:
            self._complete(position.bar)
        if self._number is None:
            self._number, self._ticks = position.bar, [BassTick(True)] * position.tick
        self._meter = position.meter
        if len(self._ticks) < position.ticks_per_bar:
            self._ticks.append(bass)
        planned = self._planned.get(position.bar)
        if played:
            self._heard_ticks.append(HeardTick(bass, planned.bar.section if planned else ""))
        if played and bass.onset_pitch is not None:
            self.ever_heard = True
            self._mend(position, bass.onset_pitch)

    def overhear(self, bass: BassTick) -> None:
        """Take a tick that is played beside the song: it counts only where the bars are cut anew (`turn`)."""
        self._heard_ticks.append(HeardTick(bass, ""))

    def heard_before(self, bar: int) -> int:
        """Return how many bars of the song come before a bar, as SongPlan counts them."""
        return self.song.heard + bar - (self._number if self._number is not None else bar)

    def later(self, bars: int) -> None:
        """Count the phrases from so many bars later on."""
        self.song = replace(self.song, phrase_of=self.song.phrase_of + bars)

    def recall(self, bar: int, kept: KeptSection) -> None:
        """Begin a kept section with this bar, which is not played yet."""
        self._recalled = self._script = bar, kept
        self._planned = {at: one for at, one in self._planned.items() if at < bar}

    @property
    def plays_a_section(self) -> bool:
        """Whether there is a section that `keep` can return."""
        return plays_a_section(self.song)

    def keep(self, name: str, quarter_bpm: float) -> KeptSection | None:
        """Return the section that is played now, under a name; None before anything was played. quarter_bpm: the tempo
        that is played (the song's own is that of its first bars, while it changes little)."""
        kept = kept_of(self.song, name, quarter_bpm)
        if kept is not None:
            here = self.song.current
            self.song = _renamed(self.song, here, name)
            for planned in self._planned.values():
                planned.after = _renamed(planned.after, here, name)
            self._played = self.song.sections if self.sounds else self._played
        return kept

    def turn(self, now: Position, ratio: float | None) -> None:
        """Cut what was heard into new bars, as the band's have turned; so the song is known in them.

        now: of the tick to be heard next; ratio: new 16ths in an old one, None where the tempo is another.
        """
        song, old_ticks, at = self.song, _ticks_in(self._meter), len(self._ticks)
        since = (song.heard - song.phrase_of) * old_ticks + at
        heard = at_level(self._heard_ticks, ratio) if ratio else []
        self._heard_ticks = deque(heard, maxlen=HEARD_TICKS)
        bars, names, part = in_bars(heard, now)
        self._number, self._meter, self._ticks = now.bar, now.meter, part
        self._planned = {}
        same = ratio == 1 and now.ticks_per_bar == old_ticks
        slipped = same and (now.tick - at) % 2 == 1  # the beat was found again, not read otherwise
        if slipped or not any(bar.notes for bar in bars) or (same and player_moved(song.bars, bars)):
            return
        phrase = max(round((since * (ratio or 1.0) - now.tick) / now.ticks_per_bar), 0)
        self.song = with_bars(song, bars, names, phrase)
        if self.sounds:
            self._played = self.song.sections

    def _complete(self, following: int) -> None:
        """Go on by the bar that was heard and is over."""
        assert self._number is not None
        number = self._number
        planned = self._planned.pop(number, None)
        song = planned.after if planned else self.song
        if self.ever_heard:
            heard = self._meant(self._heard(), song)
            song = hear(song, heard, self._true_harmony(song, planned, heard) if planned else None, doubts=True)
        if self._recalled and self._recalled[0] <= following:
            song, self._recalled = with_kept(song, self._recalled[1]), None
        coming = self._planned.get(following)
        if coming and coming.last >= 0:  # decided already: its section and phrase stand
            song = song.as_decided_in(coming.after)
            coming.after = song
        self.song = replace(self._as_asked(song), swung=self.song.swung)
        if self.sounds:
            self._played = self.song.sections
        self._planned = {bar: one for bar, one in self._planned.items() if bar >= following and one.last >= 0}
        self._number, self._ticks = None, []

    def _meant(self, heard: BassBar, song: SongPlan) -> BassBar:
        """Return the earlier bar that one was meant to be; itself where it has come more often than that one."""
        self._times[heard.signature] = self._times.pop(heard.signature, 0) + 1  # the newest last
        if len(self._times) > TIMES_MAX:
            del self._times[next(iter(self._times))]
        known = recognised(heard, song.bars)
        times = self._times[heard.signature]
        return heard if times > max(self._times.get(known.signature, 0), 1) else known

    def _heard(self) -> BassBar:
        return bass_bar(self._meter, self._ticks, None)

    def _true_harmony(self, song: SongPlan, planned: _Planned, heard: BassBar) -> BarPlan:
        """Return the bar with the harmony that it should have had, which is what is remembered: what it, or a kindred
        bar, had before; else what was planned, where this bar was expected; unless it is wrong."""
        own, kindred = song.memory.get(heard.signature, ()), kindred_harmony(song, heard)
        expected = planned.bar.harmony if likeness(planned.told, heard) >= SAME_FROM else ()
        for harmony in (own, kindred, expected):
            if harmony and is_right(harmony, heard, song):
                return replace(planned.bar, harmony=harmony)
        return replace(planned.bar, harmony=chords_of(heard, song.key, song.held))

    def _mend(self, position: Position, pitch: int) -> None:
        """Put a wrong harmony right from the next eighth on, when the bass has said its note on a strong beat."""
        planned = self._planned.get(position.bar)
        if planned is None or planned.last < 0 or not planned.bar.harmony:
            return
        ticks = position.ticks_per_bar
        fit = fits(chord_at(planned.bar.chords, position.tick), pitch)
        if position.tick not in group_starts(position.meter, ticks)[::2] or (
            fit and not surprises(planned.told, position.tick, pitch)
        ):
            return
        start = max(planned.last + 1, position.tick)
        start += start % 2
        if start >= ticks:
            return
        harmony = self._right_harmony(position, pitch, planned.after, fit)
        if not harmony or (fit and same_harmony(harmony, planned.bar.harmony, position.tick)):
            return
        now = replace(chord_at(harmony, position.tick), tick=start)
        planned.bar = mended(
            planned.bar, (now, *(one for one in harmony if one.tick > start)), self._heard(), self.song
        )
        planned.bar = replace(planned.bar, harmony=harmony)
        planned.replies[planned.last + 1 :] = replies_of(planned.bar, ticks)[planned.last + 1 :]

    def _right_harmony(self, position: Position, pitch: int, song: SongPlan, fit: bool) -> tuple[ChordAt, ...]:
        """Return the harmony of the bar being heard: remembered where the bar is known by now, else by its note.

        fit: whether the note belongs to the chord that sounds; then only what is remembered, or the one, changes it.
        """
        ticks = position.ticks_per_bar
        bar = self._completed(song, ticks)
        for known in (song.memory.get(bar.signature, ()), kindred_harmony(song, bar)):
            if known and fits(chord_at(known, position.tick), pitch):
                return known
        if fit and position.tick:
            return ()
        since = tuple(note for note in self._heard().notes if note.tick >= position.tick)
        right = chords_of(BassBar(position.meter, ticks, since), song.key, None)
        return (replace(right[0], tick=0),) if right else ()

    # -- what is played ---------------------------------------------------------------------------------------

    def reply(self, position: Position, final: bool) -> Reply:
        """Return what the band does in a tick. final: it is committed now, and with it the plan of its bar."""
        planned = self._planned.get(position.bar)
        stale = planned is not None and len(planned.replies) < position.ticks_per_bar
        if planned is None or stale or (final and planned.last < 0 and position.tick == 0):
            planned = self._plan(position, final)
            self._planned[position.bar] = planned
        if final:
            if planned.last < 0:
                fresh = (replace(choice, bar=position.bar) for choice in (*self._touch, *planned.bar.choices))
                self._choices, self._touch = [*self._choices, *fresh][-KEPT_CHOICES:], ()
            planned.last = max(planned.last, position.tick)
        return planned.replies[position.tick]

    def foretold(self, position: Position) -> tuple[BassBar, list[Groove]]:
        """Return (the bass foretold for a bar; grooves that the next section may get, where one may begin soon).

        position: the bar's first tick, which is not heard yet.
        """
        song = self._until(position.bar)
        if not self.sounds:
            song = replace(song, sections=self._played, current=-1)
        now = foretell(song.bars, position.meter, position.ticks_per_bar)
        return now, candidates(song, now, self.library) if opens(song) else []

    def _likely(self, grooves: Sequence[Groove], bars: Sequence[BassBar]) -> list[float]:
        """Return the bits of grooves; those that were not asked for are as likely as the others."""
        usual = sum(self.bits.values()) / len(self.bits)
        return [self.bits.get(one.name, usual) for one in grooves]

    def _plan(self, position: Position, final: bool) -> _Planned:
        song = self._until(position.bar)
        # how hard it is struck is answered stroke by stroke (`Touch`)
        song = replace(song, level=replace(song.level, now=0.0), answers=self._answers.get(position.bar))
        recalls = self._recalled is not None and self._recalled[0] == position.bar
        if not self.sounds and not recalls and (final or not any(bar < position.bar for bar in self._planned)):
            song = replace(song, sections=self._played, current=-1)
        ticks, meter = position.ticks_per_bar, position.meter
        if scored := self._scored(position.bar, ticks):
            song = _with_score(song, scored)
            after, bar = plan_bar(song, [one.bar for one in scored], self.library, True, self.imagined, self.critic)
            return _Planned(bar, after, replies_of(bar, ticks), scored[0].bar)
        ahead: list[BassBar] = []
        further = song
        for number in range(position.bar, position.bar + AHEAD_BARS):
            ahead.append(self._recalled_bar(number, ticks) or foretell(further.bars, meter, ticks))
            further = replace(further, bars=(*further.bars, ahead[-1])[-32:])
        likely = self._likely if self.bits else None
        after, bar = plan_bar(song, ahead, self.library, False, self.imagined, self.critic, likely)
        if bar.is_break and not expects_stop(song.bars, ahead[0]):  # a band that stops alone is worse than none
            ahead[0] = next((old for old in reversed(song.bars) if _goes_on(old, ticks)), BassBar(meter, ticks))
            after, bar = plan_bar(song, ahead, self.library, False, self.imagined, self.critic, likely, stops=False)
        return _Planned(bar, after, replies_of(bar, ticks), ahead[0])

    def _until(self, bar: int) -> SongPlan:
        """Return the song as it will be when `bar` begins: what is still to be heard of the bars before is foretold."""
        song, number = self.song, self._number if self._number is not None else bar
        while number < bar and self.ever_heard:
            planned = self._planned.get(number)
            if planned:
                song = planned.after
            meter, ticks = self._meter, _ticks_in(self._meter)
            known = self.score[number].bar if number in self.score else self._recalled_bar(number, ticks)
            told = known or foretell(song.bars, meter, ticks)
            heard = self._completed(song, ticks) if number == self._number else told
            song = hear(song, heard, planned.bar if planned else None, doubts=True)
            number += 1
        if self._recalled and self._recalled[0] == bar:
            song = with_kept(song, self._recalled[1])
        return self._as_asked(song)

    def _as_asked(self, song: SongPlan) -> SongPlan:
        """Return a song on what is asked of the band now."""
        now = self.song
        bpm, likes = now.quarter_bpm, now.liking
        asked = replace(song, wish=now.wish, style=now.style, quarter_bpm=bpm, liking=likes, declined=now.declined)
        return replace(asked, muted=now.muted)

    def _scored(self, bar: int, ticks: int) -> list[ScoredBar]:
        """Return what is known of the bars from one on; empty where that one is another than is played."""
        out: list[ScoredBar] = []
        while bar + len(out) in self.score:
            out.append(self.score[bar + len(out)])
        return out if out and out[0].bar.ticks == ticks else []

    def _recalled_bar(self, number: int, ticks: int) -> BassBar | None:
        """Return what a section that was gone to has in a bar of its first cycle; None for any other bar."""
        if self._script is None:
            return None
        first, kept = self._script
        bars = kept.bars if kept.section.ticks == ticks else ()
        return bars[number - first] if 0 <= number - first < len(bars) else None

    def _completed(self, song: SongPlan, ticks: int) -> BassBar:
        """Return the bar being heard, its end as it is foretold; a known bar where it begins like one."""
        so_far = bass_bar(self._meter, self._ticks).notes
        told = foretell(song.bars, self._meter, ticks, so_far, len(self._ticks))
        rest = tuple(note for note in told.notes if note.tick >= len(self._ticks))
        return recognised(BassBar(self._meter, ticks, (*so_far, *rest)), song.bars)


def _renamed(song: SongPlan, at: int, name: str) -> SongPlan:
    """Return the song with one of its sections under another name."""
    sections = tuple(replace(one, name=name) if i == at else one for i, one in enumerate(song.sections))
    return replace(song, sections=sections)


def _with_score(song: SongPlan, scored: Sequence[ScoredBar]) -> SongPlan:
    """Return the song as it is known before the first of these bars."""
    now = scored[0]
    memory = {**song.memory, now.bar.signature: now.harmony} if now.bar.notes else song.memory
    key = song.key if (song.key.tonic, song.key.mode) == (now.key.tonic, now.key.mode) else key_given(now.key)
    return replace(song, memory=memory, key=key, form=tuple(one.section for one in scored), line_leads=True)


def _ticks_in(meter: Meter) -> int:
    return Position(0, 0, meter).ticks_per_bar


def _goes_on(bar: BassBar, ticks: int) -> bool:
    """Return whether the bass plays to the second half of a bar."""
    return bar.ticks == ticks and any(note.tick + note.length > ticks // 2 for note in bar.notes)
