"""`LiveStage` is a playing band as the music of a conversation: what is asked counts from the next bar line on.

It knows the bars that were played as the band decided them, before directions shaped them (core/types.py `DrawnBar`),
so that it can say beforehand what an edit does to such bars. What only the song plan can do (tension, variety, the
density of the whole band) is compared afterwards, bars with bars, and said where it did not come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace

from agent.conversation.idea_catalogue import RiffFacts
from agent.conversation.played_bars import PlayedBars
from agent.conversation.proposals import facts_of
from agent.conversation.riff_stage import information
from agent.conversation.stage import LED, NOTHING, BandLead, Facts, NoLead, Outcome, Tried
from agent.core.messages import SetGrooveTaste
from agent.core.music_names import chord_name
from agent.core.types import PARTS, TEMPO_GIVEN_UP, Decision
from agent.directions import differences
from agent.directions.active import PHRASE_BARS, ActiveEdit, ActiveEdits, MindMessage, SetActiveEdits
from agent.directions.bar_settings import INSTRUMENTS
from agent.directions.edit import Edit, EditJson
from agent.directions.sounding import strokes
from agent.directions.step_sizes import PER_OCTAVE, step
from agent.language import feasibility
from agent.language.edit_text import describe_edit
from agent.song.kept import UNSURE_OF_BARS
from agent.takes.edges import is_edge
from listener.types import Analysis, Chord, Key
from models.responder.responder import Responder

NO_STEP = 0  # of an edit that is no step of undo
EVERY_BARS = 8  # for which an idea is tried
MIXED = frozenset({"level", "reverb", "brightness", "pan", "width", "sound"})  # of the mix, from the next beat on
LIVE = frozenset(  # dimensions that a playing band can follow without leading
    {
        *("level", "density", "register", "dissonance", "resolution", "timing", "syncopation", "intensity", "mute"),
        *("pattern", "brightness", "sound", "reverb", "pan", "width", "length"),
    }
)
SWITCHES = {target: INSTRUMENTS[target] for target in ("drums", "harmony", "line", "band")}  # -> the parts it switches
LEDS = frozenset({"count-in", "loop", "trade"})  # patterns that the band leads
MODE_COMMANDS = {"loop": "mode loop", "stop loop": "mode accompany", "stop trade": "mode accompany"}


class LiveStage:
    """A running session. Call it from the parent's loop only.

    send: sends a message to the mind; command: carries out a line of agent/control/commands.py; why: says why the band
    is silent, "" while it plays; lead: what the band leads while the player plays on.
    """

    trial_bars: int | None = EVERY_BARS

    def __init__(
        self,
        send: Callable[[MindMessage], object],
        command: Callable[[str], object],
        why: Callable[[], str] = lambda: "",
        lead: BandLead | None = None,
        form_bars: int = PHRASE_BARS,
    ) -> None:
        self._send, self._command, self._why = send, command, why
        self.lead: BandLead = lead or NoLead()
        self.active = ActiveEdits()
        self.returns_days: float | None = None
        self.hook: tuple[tuple[int, int], ...] = ()  # (16th, pitch) of a phrase of another day, for the line to play
        self._steps: list[tuple[int, tuple[Edit, ...]]] = []  # step of undo, and its edits
        self._count = 0
        self._decision: Decision | None = None
        self._heard: Analysis | None = None  # the last one with a beat
        self._closes: bool | None = None
        self.played = PlayedBars(form_bars)
        self._last = ""
        self._grooves = SetGrooveTaste({})

    # -- what is known ----------------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return a line where something that was asked did not come, else ""."""
        self._decision = decision
        if decision.analysis.grid:
            self._heard = decision.analysis
        phrase = decision.analysis.phrase
        if phrase is not None and phrase.end_s is not None:
            self._closes = phrase.closes
        for bar in decision.gave_up:
            self._forget("tempo") if bar == TEMPO_GIVEN_UP else self._forget("meter", f"bar:{bar}")
        if decision.drawn is None:
            return ""
        self.played.push(decision.drawn, self.active)
        return self.played.did_not_come(self.active)

    @property
    def bar(self) -> int:
        return self._decision.bar if self._decision else 0

    @property
    def groove(self) -> tuple[str, str] | None:
        """The groove that is played: its name, and its kicks and snares; None where no drums sound."""
        decision = self._decision
        song = decision.song if decision and "drums" in decision.playing else None
        return (song.groove, song.pattern) if song and song.groove else None

    def like_grooves(self, liking: Mapping[str, float], declined: frozenset[str] = frozenset()) -> None:
        """Have grooves chosen by how they are liked; declined: the names of those that are to be played no more."""
        self._grooves = SetGrooveTaste(liking, declined)
        self._send(self._grooves)

    def again(self) -> list[MindMessage]:
        """Return the messages that a mind without a snapshot needs."""
        stands = [self.message()] if self.active.asked else []
        return [*stands, self._grooves] if self._grooves.liking else [*stands]

    @property
    def form_bars(self) -> int:
        return self.played.form_bars

    @property
    def _key(self) -> Key | None:
        return self._heard.key if self._heard else None

    def facts(self) -> Facts:
        heard, decision = self._heard, self._decision
        grid = heard.grid if heard else None
        song = decision.song if decision else None
        chords = song.chords if song else ()
        names = [chord_name(Chord(root, quality, 1.0)) for root, quality in chords]
        if not names and heard and heard.chord:
            names = [chord_name(heard.chord)]
        muted = self._muted()
        playing = decision.playing if decision else ()
        return Facts(
            60 / grid.period_s if grid else None,
            grid.meter if grid else None,
            (),
            heard.key if heard else None,
            tuple(name for i, name in enumerate(names) if i == 0 or names[i - 1] != name),
            str(heard.feel) if heard and heard.feel else "",
            self.bar,
            self.form_bars,
            song.section if song else "",
            self.lead.names(),
            tuple(part for part in playing if part not in muted),
            muted,
            decision.mode if decision else "",
            decision.turn if decision else "",
            (*(one.edit for one in self.active.asked), *self._led()),
            (),
            self._last,
            self._why(),
            self._riff_facts(),
        )

    def _muted(self) -> tuple[str, ...]:
        words = self.mutes
        return tuple(part for part in PARTS if part in words or part in self.switched_off)

    switched_off: frozenset[str] = frozenset()  # parts that commands, keys or pedals have muted

    @property
    def asked(self) -> tuple[Edit, ...]:
        """The directions in force."""
        return tuple(one.edit for one in self.active.asked)

    @property
    def mutes(self) -> frozenset[str]:
        """The parts that words have muted in this bar."""
        return self.active.settings(self.bar, self.form_bars).muted

    def _riff_facts(self) -> RiffFacts | None:
        heard = self._heard
        if heard is None or heard.grid is None:
            return None
        grid, bars = heard.grid, self.played.last
        onsets = [{at: one.bass[0] for at, one in enumerate(bar.ticks) if one.bass} for bar in bars]
        quarter_bpm = 60 / grid.period_s * 4 / grid.meter.denominator
        behind_s = heard.feel.behind_s if heard.feel and heard.feel.behind_s else 0.0
        mode = heard.key.mode if heard.key else "min"
        given = (grid.meter, quarter_bpm, behind_s, mode, self.form_bars, self.returns_days, self._closes)
        return facts_of(onsets, *given)

    def can(self, edit: Edit) -> str | None:
        if is_edge(edit):
            return f"an {edit.value} is put to a riff: have one looped, or open a recording (antiphon workshop)"
        if edit.target == "bass":
            return "the bass is yours"
        if into_another_key(edit):
            return "another key is yours to lead: play it there and I follow (over a loop I can move all of it)"
        if edit.dimension == "meter" and self._decision is not None and not self._decision.bars_sure:
            return UNSURE_OF_BARS
        if edit.dimension in LED or edit.target == "form" or (edit.value or "") in LEDS:
            return self.lead.can(edit, self.facts())
        if edit.dimension == "swing":
            return "the swing is yours: play it and I follow"
        if why := feasibility.not_yet(edit):
            return why
        if edit.dimension not in LIVE:
            return f"{edit.dimension}: only over a recorded riff (antiphon workshop)"
        return None

    # -- acts -------------------------------------------------------------------------------------------------

    def ready(self, edits: Sequence[Edit]) -> bool:
        return True

    def apply(self, edits: Sequence[Edit], says: str = "", instead_of: int = 0) -> Outcome:
        if instead_of:
            self._drop(instead_of)
        before, since = self.active, self.bar
        led = tuple(edit for edit in edits if self._is_led(edit))
        own = tuple(edit for edit in edits if edit not in led)
        self._count += 1
        self._steps.append((self._count, tuple(edits)))
        self.active = replace(self.active, groups=self._count).ask(own, since)
        leads = self.lead.lead(led, self._count, self.facts()) if led else ""
        if own or instead_of:
            self._tell()
            self._unmute(own)
        self._last = says
        done, beside, differs = self.played.measured(own, before, self.active, since, self._key, self._back(own))
        when = "beat" if all(edit.dimension in MIXED for edit in own) else "bar"
        when = when if self.played.sound else "as soon as I play"
        return Outcome(self._count, done, beside, when, bool(differs or led), note=leads)

    def _led(self) -> tuple[Edit, ...]:
        """Return the edits that the band leads, in the order asked."""
        return tuple(edit for _, edits in self._steps for edit in edits if self._is_led(edit))

    def _forget(self, dimension: str, scope: str | None = None) -> None:
        """The band leads there no more: nothing of it stands."""
        self._steps = [
            (number, tuple(one for one in edits if (one.dimension, one.scope) != (dimension, scope)))
            for number, edits in self._steps
        ]

    def _is_led(self, edit: Edit) -> bool:
        return edit.dimension in LED or edit.target == "form" or (edit.value or "") in LEDS

    def _back(self, edits: Sequence[Edit]) -> frozenset[str]:
        """Return the parts that edits bring back, whoever muted them."""
        back = (edit for edit in edits if edit.dimension == "mute" and edit.change == "off")
        return frozenset(part for edit in back for part in SWITCHES.get(edit.target, ()))

    def _unmute(self, edits: Sequence[Edit]) -> None:
        """What words bring back comes back, whoever muted it: words, keys, pedals and commands are one switch."""
        for part in sorted(self._back(edits)):
            self._command(f"unmute {part}")

    def unmuted(self, part: str) -> None:
        """A command, key or pedal brought a part back: what words said against it no longer counts."""
        if part in self.mutes:
            target = next(target for target, parts in SWITCHES.items() if parts == (part,))
            back = ActiveEdit(Edit(target, "mute", "off"), NO_STEP, self.bar)
            self.active = replace(self.active, asked=(*self.active.asked, back))
            self._tell()

    def stand(self, edits: Sequence[EditJson]) -> None:
        """Put the directions of a section in force, in place of those that stand, as one step. edits: as JSON."""
        self._count += 1
        asked = tuple(map(Edit.from_json, edits))
        self._steps = [(self._count, asked)] if asked else []
        self.active = ActiveEdits(groups=self._count).ask(asked, self.bar)
        self._tell()

    def _tell(self) -> None:
        self._send(self.message())

    def message(self) -> SetActiveEdits:
        """Return the message that brings a mind to what stands."""
        return SetActiveEdits(self.active, self.hook)

    def _drop(self, step: int) -> tuple[Edit, ...]:
        gone = next((edits for number, edits in self._steps if number == step), ())
        self._steps = [one for one in self._steps if one[0] != step]
        asked = tuple(one for one in self.active.asked if one.group != step)
        self.active = replace(self.active, asked=asked)
        self.played.forget(gone)
        self.lead.release(step)
        return gone

    def revert(self, count: int = 1) -> Outcome:
        steps = [number for number, _ in self._steps[-count:]] if count else []
        gone = [edit for step in reversed(steps) for edit in self._drop(step)]
        if not steps:
            return NOTHING
        self._tell()
        what = "; ".join(f"no longer {describe_edit(edit)}" for edit in gone[:3])
        self._last = f"undone, {what}" if what else self._last
        return Outcome(0, (), (), "bar", True, len(steps), note=what)

    def withdraw(self, step: int) -> Outcome:
        if not any(number == step for number, _ in self._steps):
            return NOTHING
        self._drop(step)
        self._tell()
        return Outcome(0, (), (), "bar", True, 1)

    def recall(self, name: str) -> Outcome:
        if name == "other":
            return Outcome(note="There are no takes to compare while we play.")
        said = self.lead.recall(name)
        if said is None:
            there = ", ".join(self.lead.names())
            return Outcome(
                note=f"I know no {name!r}" + (f"; there is {there}." if there else ": nothing has a name yet.")
            )
        self._count += 1
        self._steps.append((self._count, ()))
        return Outcome(self._count, (), (), "bar", True, back_to=said)

    def name(self, name: str) -> str:
        return self.lead.order("name", name) or "Names are for takes and sections; there are none yet while we play."

    def order(self, order: str, value: str = "") -> str | None:
        if (done := self.lead.order(order, value)) is not None:
            return done
        if order == "trade":
            self._command(f"mode trade {value}".strip())
            return (
                f"we trade {value} bars each, from the next bar on: you first"
                if value
                else "mode trade, from the next bar on"
            )
        if order == "normal":
            for part in PARTS:
                self._command(f"unmute {part}")
            self._command("mode accompany")
            return "I play along, from the next bar on"
        if command := MODE_COMMANDS.get(order):
            was = self._decision.mode if self._decision else ""
            if order.startswith("stop") and was != order.removeprefix("stop "):
                return f"there is no {order.removeprefix('stop ')} to stop: I play along"
            self._command(command)
            return (
                "I play along again, from the next bar on"
                if order.startswith("stop")
                else f"{command}, from the next bar on"
            )
        return None

    # -- ideas, and what is only told later -------------------------------------------------------------------

    responder: Responder | None = None  # to weigh ideas with; None: by the share of strokes that differ

    def weighing(self, responder: Responder) -> LiveStage:
        """Return this stage as it stands, to weigh ideas on with a responder, beside the loop."""
        seen = copy(self)
        seen.responder = responder
        return seen

    def imagine(self, edits: Sequence[Edit]) -> Tried:
        old = self.played.coming(self.active, self.bar, self._key)
        if not old:
            return Tried(0.0)
        asked = replace(self.active, groups=self._count + 1).ask(tuple(edits), self.bar)
        new = self.played.coming(asked, self.bar, self._key)
        share = differences.share(strokes(old), strokes(new))
        if self.responder is None:
            return Tried(share)
        return Tried(share, information(self.responder, new) - information(self.responder, old))


def into_another_key(edit: Edit) -> bool:
    """Return whether an edit moves the whole band by other than octaves."""
    if (edit.target, edit.dimension) != ("band", "register"):
        return False
    return bool(step(edit, "register", 0.0) % PER_OCTAVE)
