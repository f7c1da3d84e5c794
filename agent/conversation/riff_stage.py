"""`RiffStage` is a recorded riff as the music of a conversation: what is asked becomes the next take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from agent.conversation.measuring import measured
from agent.conversation.proposals import heard_of
from agent.conversation.stage import NOTHING, Done, Facts, Outcome, Tried
from agent.core.music_names import chord_name
from agent.directions import differences
from agent.directions.active import ActiveEdits
from agent.directions.edit import Edit
from agent.directions.sounding import Heard, strokes
from agent.language import feasibility
from agent.takes.edges import EDGES, core_of, edge_of, is_edge
from agent.takes.measures import Measured
from agent.takes.performance import bass_shift, tempo_of
from agent.takes.riff import Riff
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take
from listener.types import Chord, Key
from models.music.tokens import EMPTY_REPLY, BassTick, TickInput
from models.responder.responder import Responder

FIGURES: dict[str, Callable[[Measured], float]] = {  # dimension -> the measure that has to move
    "dissonance": lambda one: one.dissonance,
    "resolution": lambda one: one.falling_fifths,
}
BACK = "back to"
BASS_MOVES = "your bass moves with it: a synth plays its notes there"
BASS_STAYS = "your bass stays as you played it"
YOURS = ("register", "density", "timing", "pattern", "dissonance", "brightness", "reverb", "sound", "length")


class RiffStage:
    """Takes of one riff. `begin` makes the first; nothing else may be called before it."""

    trial_bars: int | None = None

    def __init__(self, sketcher: Sketcher, made: Callable[[Take, str], object] = lambda take, why: None) -> None:
        """made: is told of every take, and why it was made."""
        self.sketcher, self._made = sketcher, made
        self._take: Take | None = None
        self._undo: list[tuple[int, Take]] = []  # step, and the take before it
        self._steps = 0
        self._bits: tuple[int, float] = (0, 0.0)  # of the take of this number
        self.closes: bool | None = None
        self.returns_days: float | None = None

    @property
    def take(self) -> Take:
        """The take that is played. Raises AttributeError before `begin`."""
        if self._take is None:
            raise AttributeError("listen to a riff first")
        return self._take

    @property
    def takes(self) -> tuple[Take, ...]:
        """Every take so far, take 1 first."""
        return tuple(self.sketcher.takes)

    def begin(self, riff: Riff, edits: ActiveEdits, seed: int) -> Take:
        """Make the first take of a riff."""
        self._take = self.sketcher.begin(riff, edits, seed)
        self._made(self._take, "the riff")
        return self._take

    def resume(self, take: Take) -> None:
        """Stand where another conversation stands: at one of the sketcher's takes."""
        self._take = take

    # -- what is known ----------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        take, riff = self.take, self.take.riff
        music = _music(take)
        return Facts(
            tempo_of(take, 0),
            riff.meter,
            core_of(take).meters[: self.form],
            key_of(take),
            _chords(take),
            f"{1000 * riff.behind_s:+.0f} ms from the beat; swing {riff.swing:.2f}",
            0,
            self.form,
            sounds=tuple(part for part in differences.HEARD if differences.plays(part, strokes(music))),
            muted=tuple(sorted(take.settings[take.intro].muted)),
            stands=tuple(one.edit for one in take.active_edits.asked),
            takes=(*(str(one.number) for one in self.takes), *(one.name for one in self.takes if one.name)),
            last=take.says,
            heard=heard_of(riff, self.returns_days, self.closes),
        )

    @property
    def form(self) -> int:
        """Bars of the form."""
        return max(len(core_of(self.take).bars) // self.sketcher.repeats, 1)

    @staticmethod
    def can(edit: Edit) -> str | None:
        if why := feasibility.not_yet(edit):
            return why
        if edit.dimension == "lead":
            return "you lead; I follow"
        if edit.target == "bass" and edit.dimension in YOURS and not is_edge(edit):
            return "the bass is your recording: its level I can change, not how it is played"
        return None

    # -- acts -------------------------------------------------------------------------------------------------

    def ready(self, edits: Sequence[Edit]) -> bool:
        return True

    def apply(self, edits: Sequence[Edit], says: str = "", instead_of: int = 0) -> Outcome:
        before = heard = self.take
        if instead_of and self._undo and self._undo[-1][0] == instead_of:
            before = self._undo.pop()[1]
        self._steps += 1
        self._undo.append((self._steps, before))
        self._take = self.sketcher.revise(before, edits, says)
        self._made(self._take, says)
        done, beside, differs = measured(
            edits, _music(before), _music(self.take), self.form, 0, lambda edit: self._shows(edit, before)
        )
        done = tuple(self._moves(one, before) for one in done)
        changed = differs or any(one.shown for one in done) or heard is not before
        return Outcome(self._steps, done, beside, "take", changed, note=self._of_bass(edits))

    def _of_bass(self, edits: Sequence[Edit]) -> str:
        """Return what the player has to know of their bass where the band was moved; "" else."""
        moved = any(edit.dimension == "key" or (edit.dimension, edit.target) == ("register", "band") for edit in edits)
        if not moved:
            return ""
        return BASS_MOVES if any(map(bass_shift, self.take.settings)) else BASS_STAYS

    def _moves(self, one: Done, before: Take) -> Done:
        """Return the same, or that it does not show where the measure of what was asked did not move that way."""
        if not one.shown or moved_right(one.edit, before, self.take):
            return one
        return replace(one, shown=False, why="I tried, and it came out no other way")

    def _shows(self, edit: Edit, before: Take) -> bool:
        """Return whether a take shows an edit that its strokes alone do not tell."""
        if is_edge(edit):
            return any(edge_of(before.active_edits, one) != edge_of(self.take.active_edits, one) for one in EDGES)
        before, after = core_of(before), core_of(self.take)
        bars = min(len(before.bars), len(after.bars))
        if edit.dimension == "meter":
            return before.meters != after.meters
        if edit.dimension == "tempo":
            return any(tempo_of(before, bar) != tempo_of(after, bar) for bar in range(bars))
        if edit.dimension == "length" and edit.target == "form":
            return len(before.bars) != len(after.bars)
        if edit.dimension == "key":
            return before.riff.key != after.riff.key
        if edit.target == "bass" and edit.dimension in ("level", "mute"):
            return before.settings != after.settings
        return False

    def revert(self, count: int = 1) -> Outcome:
        before, undone = self.take, 0
        earlier = before
        while self._undo and undone < count:
            _, earlier = self._undo.pop()
            undone += 1
        if not undone:
            return NOTHING
        self._again(earlier, f"{BACK} take {earlier.number}")
        at = earlier.says if earlier.says and not earlier.says.startswith(BACK) else f"take {earlier.number}"
        return Outcome(0, (), (), "take", True, undone, at)

    def withdraw(self, step: int) -> Outcome:
        if not (self._undo and self._undo[-1][0] == step):
            return NOTHING  # something else was asked since: it went with that
        return self.revert()

    def recall(self, name: str) -> Outcome:
        found = self._named(name.lower())
        if found is None:
            near = get_close_matches(name.lower(), self.facts().takes, 3, 0.4) or self.facts().takes[-3:]
            return Outcome(note=f"There is no take {name!r}; there are {', '.join(near)}.")
        self._steps += 1
        self._undo.append((self._steps, self.take))
        self._again(found, f"take {found.number} again")
        named = f", {found.name!r}" if found.name else ""
        return Outcome(self._steps, (), (), "take", True, back_to=f"take {found.number} again{named}")

    def _named(self, name: str) -> Take | None:
        takes = self.sketcher.takes
        if name in ("", "previous"):
            return takes[-2] if len(takes) > 1 else None
        if name == "other":  # of the last two that differ
            return self._undo[-1][1] if self._undo else None
        known = {"first": takes[0], "last": self.take}
        known |= {str(t.number): t for t in takes} | {t.name.lower(): t for t in takes if t.name}
        return known.get(name)

    def _again(self, take: Take, says: str) -> None:
        self._take = replace(take, number=len(self.sketcher.takes) + 1, says=says)
        self.sketcher.takes.append(self.take)
        self._made(self.take, says)

    def imagine(self, edits: Sequence[Edit]) -> Tried:
        """Return how edits would change the take: by share, and in information by the responder."""
        made, responder = self.sketcher.imagine(self.take, edits), self.sketcher.responder
        if self._bits[0] != self.take.number:
            self._bits = (self.take.number, bits_per_tick(responder, self.take))
        bits = bits_per_tick(responder, made) - self._bits[1]
        return Tried(differences.share(strokes(_music(self.take)), strokes(_music(made))), bits)

    def order(self, order: str, value: str = "") -> str | None:
        return None

    def name(self, name: str) -> str:
        self._take = replace(self.take, name=name.strip()[:80])
        self.sketcher.takes[-1] = self._take
        return f"This is {self._take.name!r} from now on."


def _music(take: Take) -> list[Heard]:
    """Return the form of a take, without its intro and outro."""
    take = core_of(take)
    return [Heard(one.place, one.reply, one.bass, take.settings[one.place.bar]) for one in take.played]


def _chords(take: Take) -> tuple[str, ...]:
    hits = [(moment.reply.chord, moment.place.bar) for moment in take.played if moment.reply.chord]
    moved = [round(one.semitones.get("chords", 0.0)) for one in take.settings]
    names = [chord_name(Chord((hit.root + moved[bar]) % 12, hit.quality, 1.0)) for hit, bar in hits]
    return tuple(name for i, name in enumerate(names) if i == 0 or names[i - 1] != name)


def key_of(take: Take) -> Key:
    """Return the key in which a take begins: the riff's, as far as the band was moved into another."""
    key = take.riff.key
    return replace(key, tonic=(key.tonic + bass_shift(take.settings[0])) % 12)


def bits_per_tick(responder: Responder, take: Take, ticks: int = 64) -> float:
    """Return the mean information of the take's first ticks, in bits a tick, by the responder without dials."""
    take = core_of(take)
    return information(responder, [Heard(m.place, m.reply, m.bass, take.settings[0]) for m in take.played[:ticks]])


def information(responder: Responder, music: Sequence[Heard]) -> float:
    """Return the mean information of the band's part, in bits a tick."""
    state, bass, reply, bits = responder.initial_state(), BassTick(True), EMPTY_REPLY, 0.0
    for one in music:
        state = responder.step(TickInput(one.position, bass, None, reply), state)
        bits += responder.information(state, one.reply)
        bass, reply = one.bass, one.reply
    return bits / max(len(music), 1)


def moved_right(edit: Edit, before: Take, after: Take) -> bool:
    """Return whether the measure of an edit's dimension moved the way that was asked; True where it has none."""
    measure = FIGURES.get(edit.dimension)
    way = {"more": 1, "on": 1, "less": -1, "off": -1}.get(edit.change, 0)
    if measure is None or not way:
        return True
    old, new = (float(np.nan_to_num(measure(Measured(take)))) for take in (before, after))
    return way * (new - old) >= 0
