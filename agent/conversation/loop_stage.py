"""`LoopStage` is a playing band that also works on the riff it loops: over a loop each direction makes a take of that
riff (agent/conversation/riff_stage.py), which plays from the next bar line on, in place.

Takes begin with what the band last played over the loop, so that only what is asked for moves. When the loop ends, what
a playing band can follow stays in force.
"""

from __future__ import annotations

import logging
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Thread

from agent.conversation.live_stage import LEDS, LIVE, LiveStage
from agent.conversation.loop_takes import NICE, Bench, Drawing, TakeMaking, drawn_over, message_of
from agent.conversation.riff_stage import RiffStage
from agent.conversation.stage import NOTHING, BandLead, Facts, Outcome, Tried
from agent.core.messages import LoopTake
from agent.core.os_process import set_nice_beside
from agent.core.types import PARTS, Decision
from agent.directions.active import ActiveEdits, MindMessage
from agent.directions.edit import Edit
from agent.takes.captured import Captured, recording_of, riff_of_kept
from agent.takes.edges import INTRO, OUTRO, Edge, core_of, edge_of, is_edge
from agent.takes.mixdown import Sound, own_sound
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take
from models.responder.responder import Responder

log = logging.getLogger(__name__)

OF_TAKES = frozenset({"", "previous", "other", "first", "last"})
LOADS_S = 3.0  # how long what cannot wait may wait for a loop that was just begun
BENCHES_KEPT = 2


class LoopStage(LiveStage):
    """As `LiveStage`. making: what takes of a riff that loops are made with."""

    def __init__(
        self,
        send: Callable[[MindMessage], object],
        command: Callable[[str], object],
        why: Callable[[], str] = lambda: "",
        lead: BandLead | None = None,
        making: TakeMaking | None = None,
    ) -> None:
        super().__init__(send, command, why, lead)
        self._making = making or TakeMaking()
        self._captured: Captured | None = None  # the riff that is being worked on
        self._loading: Thread | None = None
        self._benches: list[Bench] = []  # those that were loaded last
        self._drawing: Drawing | None = None
        self._riff: RiffStage | None = None  # its takes, once one was asked for
        self._over: list[tuple[int, int, tuple[Edit, ...]]] = []  # own step of undo, the riff's, edits
        self._rendered: deque[LoopTake] = deque()  # to be sent
        self._takes_in = Path(tempfile.gettempdir())
        self._led_in: Edge | None = None  # the intro of the take that plays

    # -- the loop ---------------------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        line = super().push(decision)
        if self._riff is not None and decision.drawn is not None:
            self.played.stood[-1] = ActiveEdits()  # what was asked is in the take already
        found = self._making.captured() if decision.mode == "loop" else None
        if found != self._captured:
            self._leave()
            self._captured = found
            if found is not None:
                self._loading = Thread(target=self._load, args=(found,), name="loop", daemon=True)
                self._loading.start()
        for message in self._take_ready():
            self._send(message)
        return line

    def _load(self, captured: Captured) -> None:
        """Load what takes are made with, beside the loop."""
        set_nice_beside(NICE)
        try:
            bench = Bench(captured, recording_of(captured), self._making.responder())
            self._benches = [*self._benches, bench][-BENCHES_KEPT:]  # an earlier loop's may come later
        except (OSError, RuntimeError, ValueError):
            log.exception("loop %s: cannot be worked on", captured.path)

    def _take_ready(self) -> list[LoopTake]:
        ready = [self._rendered.popleft() for _ in range(len(self._rendered))]
        newest = self._riff.take.number if self._riff else 0
        return [one for one in ready if one.take.number == newest]

    @property
    def _bench(self) -> Bench | None:
        """What takes of the riff that loops are made with; None where nothing loops."""
        if self._captured is None or self._loading is None:
            return None
        self._loading.join(LOADS_S)
        return next((one for one in self._benches if one.captured == self._captured), None)

    def _begun(self) -> RiffStage | None:
        """Return the takes of the riff that loops, with a first one as the band plays it; None where nothing loops."""
        if self._riff is None:
            self._begin(self._made())
        return self._riff

    def _begin(self, riff: RiffStage | None) -> None:
        if riff is not None and self._riff is None and self._captured is not None:
            self._riff, self._takes_in = riff, self._making.new_folder(self._captured.kept.name)
            self._making.made(riff.take, "as it was played")

    def _made(self) -> RiffStage | None:
        """Return a first take of the riff that loops, as the band plays it, to make others of."""
        bench = self._bench
        if bench is None:
            return None
        grid = self._heard.grid if self._heard else None
        riff = riff_of_kept(bench.captured, self._heard.key if self._heard else None, grid.swing if grid else 0.5)
        sketcher = Sketcher(bench.responder, repeats=1)
        made = RiffStage(sketcher, self._play)
        made.returns_days, made.closes = self.returns_days, self._closes
        made.resume(sketcher.begin_drawn(riff, self.active, 0, drawn_over(self.played.bars, bench.captured, riff)))
        return made

    def _play(self, take: Take, why: str) -> None:
        """A take was made: it plays from the next bar line on; in another tempo or key, once its bass is rendered."""
        self._making.made(take, why)
        bench, led_in = self._bench, edge_of(take.active_edits, INTRO)
        comes, self._led_in = led_in != self._led_in, led_in  # an intro is played when it is asked for
        if bench is None:
            return
        take = take if comes else core_of(take)
        if own_sound(take):
            self._render(take, bench.recording)
            for message in self._take_ready():
                self._send(message)
        else:
            Thread(target=self._render_beside, args=(take, bench.recording), name="bass", daemon=True).start()

    def _render_beside(self, take: Take, recording: Sound) -> None:
        set_nice_beside(NICE)
        self._render(take, recording)

    def _render(self, take: Take, recording: Sound) -> None:
        message = message_of(take, recording, self._takes_in)
        self._rendered += [message] if message else []

    def close(self) -> None:
        """The session ends."""
        self._leave()

    def _leave(self) -> None:
        """The loop has ended: its takes are kept, and what a playing band can follow of what was asked stays."""
        if self._riff is not None and self._captured is not None:
            self._making.keeps(self._takes_in, self._riff.takes, self._captured)
            for step, _, edits in self._over:
                own = tuple(edit for edit in edits if edit.dimension in LIVE and LiveStage.can(self, edit) is None)
                if own:
                    self.active = replace(self.active, groups=step).ask(own, self.bar)
                    self._steps.append((step, own))
            self._tell()
        self._riff, self._over, self._captured, self._led_in = None, [], None, None

    @property
    def takes(self) -> tuple[Take, ...]:
        """The takes of the riff that loops, take 1 first."""
        return self._riff.takes if self._riff else ()

    @property
    def works(self) -> bool:
        """Whether directions are done to a riff that loops."""
        return self._captured is not None and (self._loads or self._bench is not None)

    @property
    def _loads(self) -> bool:
        return self._loading is not None and self._loading.is_alive()

    @property
    def draws(self) -> bool:
        """Whether a take is being drawn."""
        return self._drawing is not None and self._drawing.is_alive()

    def weighing(self, responder: Responder) -> LoopStage:
        """As `LiveStage.weighing`; over a loop what an idea changes is weighed on takes of the riff."""
        seen = copy(self)
        seen.responder, seen._riff = responder, self._begun_beside()
        return seen

    # -- the stage --------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        live = super().facts()
        if self._riff is None:
            return live
        over = self._riff.facts()
        off = self.switched_off
        return replace(
            live,
            tempo_bpm=over.tempo_bpm,
            meter=over.meter,
            meters=over.meters,
            key=over.key,
            chords=over.chords,
            bars=over.bars,
            sounds=tuple(part for part in over.sounds if part not in off),
            muted=tuple(part for part in PARTS if part in over.muted or part in off),
            stands=over.stands,
            takes=over.takes,
            last=over.last,
            heard=over.heard,
        )

    @property
    def asked(self) -> tuple[Edit, ...]:
        return (*super().asked, *(edit for _, _, edits in self._over for edit in edits))

    @property
    def mutes(self) -> frozenset[str]:
        take = self._riff.take if self._riff else None
        return take.settings[take.intro].muted & frozenset(PARTS) if take else super().mutes

    def can(self, edit: Edit) -> str | None:
        if edit.dimension == "section" or (edit.value or "") in LEDS:
            return super().can(edit)
        if self.works and is_edge(edit, OUTRO):
            return "a loop has no end of its own: `loop off` ends it, `end it` the song"
        return RiffStage.can(edit) if self.works else super().can(edit)

    def ready(self, edits: Sequence[Edit]) -> bool:
        """Return whether the take that edits make is drawn, and begin to draw it beside the loop where it is not."""
        wished = tuple(edits)
        drawn_here = not any(one.dimension == "section" or (one.value or "") in LEDS for one in wished)
        if not wished or not drawn_here or self._captured is None or not self.works:
            return True
        drawing = self._drawing
        if drawing is None or (not drawing.is_alive() and drawing.edits != wished):
            self._drawing = Drawing(wished, self._captured, self._begun_beside)
            self._drawing.start()
            return False
        if drawing.is_alive():
            return False
        self._drawing = None
        if drawing.captured == self._captured:
            self._begin(drawing.riff)
        return True

    def _begun_beside(self) -> RiffStage | None:
        """As `_begun`, for another thread: what is begun is taken up by the parent's loop."""
        if self._loading is not None:
            self._loading.join()
        return self._riff or self._made()

    def apply(self, edits: Sequence[Edit], says: str = "", instead_of: int = 0) -> Outcome:
        riff = None if any(edit.dimension == "section" for edit in edits) else self._begun()
        if riff is None:
            return super().apply(edits, says, instead_of)
        theirs = next((other for own, other, _ in self._over if own == instead_of), 0)
        outcome = riff.apply(edits, says, theirs)
        self._over = [one for one in self._over if one[0] != instead_of]
        self._unmute(edits)
        return self._stepped(outcome, tuple(edits))

    def _stepped(self, outcome: Outcome, edits: tuple[Edit, ...] = ()) -> Outcome:
        """Return an outcome of the riff's as one of this stage's."""
        self._count += 1
        self._over.append((self._count, outcome.step, edits))
        return replace(outcome, step=self._count, begins="bar")

    def revert(self, count: int = 1) -> Outcome:
        if self._riff is None:
            return super().revert(count)
        here = min(count, len(self._over))
        done = self._riff.revert(here) if here else NOTHING
        self._over = self._over[: len(self._over) - here]
        if here == count:
            return replace(done, begins="bar")
        before = super().revert(count - here)
        if not before.undone:
            return replace(done, begins="bar")
        self._again()
        return replace(before, undone=before.undone + here)

    def _again(self) -> None:
        """Make a first take anew, with the directions that stood before the loop and still do."""
        assert self._riff and self._captured
        first, sketcher = self._riff.takes[0], self._riff.sketcher
        drawn = {(one.place.bar, one.place.tick): reply for one, reply in zip(first.played, first.drawn, strict=True)}
        take = sketcher.begin_drawn(first.riff, self.active, first.seed, drawn)
        self._riff.resume(take)
        self._play(take, "as it was played")

    def withdraw(self, step: int) -> Outcome:
        mine = next((one for one in self._over if one[0] == step), None)
        if self._riff is None or mine is None:
            return super().withdraw(step)
        outcome = self._riff.withdraw(mine[1])
        self._over = [one for one in self._over if one is not mine] if outcome.undone else self._over
        return outcome

    def recall(self, name: str) -> Outcome:
        riff = self._riff
        if riff is None or (name.lower() not in OF_TAKES and name.lower() in map(str.lower, self.lead.names())):
            return super().recall(name)
        outcome = riff.recall(name)
        return self._stepped(outcome) if outcome.step else outcome

    def name(self, name: str) -> str:
        return self._riff.name(name) if self._riff else super().name(name)

    def imagine(self, edits: Sequence[Edit]) -> Tried:
        return self._riff.imagine(edits) if self._riff else super().imagine(edits)

    def unmuted(self, part: str) -> None:
        if self._riff is not None and part in self.mutes:
            target = {"chords": "harmony"}.get(part, part)
            self.apply((Edit(target, "mute", "off"),), f"the {target} back")
        else:
            super().unmuted(part)
