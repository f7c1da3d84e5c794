"""`LiveTalk` is a conversation with a playing band: it keeps the phrases that are played, and practises from them.

`open_conversation` opens that of a session: memory, what is known of the player, stage. It imports much.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.conversation.band_lead import Leads
from agent.conversation.conversation import Conversation
from agent.conversation.ideas import NO, YES, Answer
from agent.conversation.live_stage import LiveStage
from agent.conversation.loop_stage import LoopStage
from agent.conversation.loop_takes import TakeMaking
from agent.conversation.player_notes import PlayerNotes, Row
from agent.conversation.stage import Outcome
from agent.core.errors import UserError
from agent.core.settings import ConversationConfig
from agent.core.types import DrawnBar
from agent.directions.active import PHRASE_BARS, ActiveEdits, MindMessage
from agent.directions.drawn import music
from agent.language.small_talk import groove_verdict
from agent.memory import practice
from agent.memory.background_writer import BackgroundWriter
from agent.memory.player_profile import GUEST
from agent.memory.store import Memory
from agent.takes.captured import Captured
from agent.takes.kept_takes import keep_takes
from listener.music.motif import Motif, motif_of_gaps, place_of
from listener.types import Analysis, Phrase
from models.corpus.played_pieces import Played
from models.responder.responder import Responder

FEWEST_NOTES = 3  # of a phrase that is kept
LIKED_BARS = 8  # before a word of praise that are practised with all parts
PIECE_BARS, FEWEST_BARS = 64, 4  # of a piece to practise
PIECES_MAX = 8  # of a session
LEAST_BARS = 64  # that were played, or nothing is practised
HOOK_TICKS = 16
GROOVE_BACK = {YES: "no more of that groove than of others", NO: "the groove from before is back"}
GROOVE_SAID = {YES: "Then I play grooves like that more.", NO: "Another groove, from the next bar on."}

BarPlayed = tuple[DrawnBar, ActiveEdits]  # and the directions that stood in it


@dataclass(frozen=True, slots=True)
class GrooveVerdict:
    """What was said of a groove. name, pattern: the groove's; verdict: liked or disliked; bar: in which it was said;
    row: its number in the memory."""

    name: str
    pattern: str
    verdict: str
    bar: int
    row: Row


class LiveTalk(Conversation):
    """A `Conversation` whose stage is a playing band."""

    stage: LiveStage

    def __init__(self, stage: LiveStage, notes: PlayerNotes, proposals: bool = True) -> None:
        super().__init__(stage, notes, proposals)
        self._praised: list[int] = []  # bars in which something was liked
        self._judged = 0  # grooves, so far
        self._verdicts: dict[int, GrooveVerdict] = {}  # on grooves, that were not taken back, by the step of undo

    def play_liked_grooves(self) -> None:
        """Have grooves chosen by what is known of the player's taste."""
        if liking := self.notes.taste.liking():
            self.stage.like_grooves(liking)

    def _answer(self, sentence: str) -> Answer:
        """Return the answer to a sentence; one about the groove, where no idea waits, is a verdict on it."""
        verdict, groove = groove_verdict(sentence), self.stage.groove
        if verdict is None or self.waiting is not None:
            return super()._answer(sentence)
        if groove is None:
            return Answer("I play no groove now: say it while the drums play.")
        name, pattern = groove
        self.notes.taste.judge_groove(pattern, verdict)
        row = self.notes.judged_groove(name, pattern, verdict)
        if verdict == YES:
            self._praised.append(self.stage.bar)
        self._judged += 1
        self._verdicts[-self._judged] = GrooveVerdict(name, pattern, verdict, self.stage.bar, row)
        self._steps.append((-self._judged, ()))
        self._tell_taste()
        return Answer(GROOVE_SAID[verdict])

    def _tell_taste(self) -> None:
        """Have grooves chosen by the player's taste, and none that they declined."""
        declined = frozenset(one.name for one in self._verdicts.values() if one.verdict == NO)
        self.stage.like_grooves(self.notes.taste.liking(), declined)

    def _take_back(self, count: int) -> Outcome:
        """As in `Conversation`; verdicts on grooves are steps, too."""
        newest = [step for step, _ in self._steps[-count:]] if count else []
        gone = {step: self._verdicts.pop(step) for step in newest if step in self._verdicts}
        if not gone:
            return super()._take_back(count)
        self._steps = [one for one in self._steps if one[0] not in gone]
        for one in gone.values():
            self.notes.taste.take_back_groove(one.pattern, one.verdict)
            self.notes.forget_groove(one.row)
            if one.verdict == YES:
                self._praised.remove(one.bar)
        self._tell_taste()
        rest = super()._take_back(count - len(gone))
        said = [GROOVE_BACK[one.verdict] for one in gone.values()]
        note = "; ".join([*filter(None, [rest.note]), *dict.fromkeys(said)])
        return replace(rest, undone=rest.undone + len(gone), changed=True, note=note)

    def phrase(self, phrase: Phrase, heard: Analysis) -> None:
        """Keep a phrase that has ended; one of an earlier day may come back as a motif."""
        motif = _motif(phrase, heard)
        if len(motif) < FEWEST_NOTES:
            return
        again = self.notes.phrase_again(motif)
        if again:
            self.stage.returns_days = again.days
            self.stage.hook = _hook(again.motif)
        self.notes.phrase(phrase, motif, heard)

    def _judge(self, verdict: str, sentence: str) -> None:
        if verdict in ("liked", "more"):
            self._praised.append(self.stage.bar)
        super()._judge(verdict, sentence)

    def close(self) -> None:
        """End the session; what was played is practised from, in a process of its own."""
        pieces = self.material()
        player, session = self.notes.player_id, self.notes.session
        super().close()
        if pieces:
            self.notes.with_memory(lambda memory: practice.finish_live(memory, player, session, pieces))

    def material(self) -> list[tuple[list[Played], bool]]:
        """Return (music, whether it was praised): what there is to practise from; empty for a guest, or where too
        little was played."""
        bars = list(zip(self.stage.played.bars, self.stage.played.stood, strict=True))
        if not self.notes.player_id or len(bars) < LEAST_BARS:
            return []
        liked = {at for bar in self._praised for at in range(bar - LIKED_BARS, bar + 1)}
        runs: list[list[BarPlayed]] = []
        for one in bars:
            last = runs[-1][-1] if runs else None
            follows = (
                last is not None and one[0].bar == last[0].bar + 1 and (one[0].bar in liked) == (last[0].bar in liked)
            )
            if follows and len(runs[-1]) < PIECE_BARS:
                runs[-1].append(one)
            else:
                runs.append([one])
        runs.sort(key=lambda run: run[0][0].bar not in liked)  # those praised first
        return [(_played(run), run[0][0].bar in liked) for run in runs[:PIECES_MAX] if len(run) >= FEWEST_BARS]


def _played(run: Sequence[BarPlayed]) -> list[Played]:
    """Return bars as they sounded: each shaped by the directions that stood in it."""
    found: list[Played] = []
    for number, (bar, stood) in enumerate(run):
        for one in music([bar], bar.bar, stood, PHRASE_BARS, None, frozenset()):
            place = replace(one.position, bar=number)
            found.append((place, one.bass, one.reply))
    return found


def _motif(phrase: Phrase, heard: Analysis) -> Motif:
    """Return the phrase in quarters from its first bar line; in its own usual gaps where there is no beat."""
    notes = [note for note in phrase.notes if note.articulation != "ghost"]
    grid = heard.grid
    if grid is None or not notes:
        return motif_of_gaps(phrase.notes)
    beats = [place_of(note, grid) for note in notes]
    first = beats[0] - (grid.position_of(int(beats[0] // 1)) - 1) - beats[0] % 1
    return tuple(
        ((beat - first) * 4 / grid.meter.denominator, note.pitch) for beat, note in zip(beats, notes, strict=True)
    )


def _hook(motif: Motif) -> tuple[tuple[int, int], ...]:
    """Return the first bar of a motif on 16ths."""
    ticks = ((round(4 * beat), pitch) for beat, pitch in motif)
    return tuple((tick, pitch) for tick, pitch in ticks if 0 <= tick < HOOK_TICKS)


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation and the stage it is about."""

    talk: LiveTalk
    stage: LoopStage


def open_conversation(
    settings: ConversationConfig,
    folder: Path,
    session_folder: str,
    send: Callable[[MindMessage], object],
    command: Callable[[str], object],
    why: Callable[[], str],
    names: Callable[[], tuple[str, ...]],
    captured: Callable[[], Captured | None],
    responder: Callable[[], Responder],
) -> Opened:
    """Return the conversation of a session. A memory that cannot be used costs the memory only, and is noted.

    names: of the sections that can be gone to. captured: returns the riff that loops; responder: loads the one that
    draws takes of it.
    """
    notes = _notes(settings, folder, session_folder)
    takes_in = Path(session_folder) if session_folder else None
    making = TakeMaking(captured, responder, notes.record_take, keep_takes, takes_in)
    stage = LoopStage(send, command, why, Leads(command, names), making)
    return Opened(LiveTalk(stage, notes, settings.proposals), stage)


def _notes(settings: ConversationConfig, folder: Path, session_folder: str) -> PlayerNotes:
    now_s = time.time()
    if settings.player == GUEST:
        return PlayerNotes(None, GUEST, now_s)
    try:
        given = (settings.player, now_s, settings.half_life_days, session_folder, BackgroundWriter)
        return PlayerNotes(Memory(folder), *given)
    except (UserError, sqlite3.Error) as cause:
        notes = PlayerNotes(None, settings.player, now_s)
        notes.note = f"nothing is remembered: {cause}"
        return notes
