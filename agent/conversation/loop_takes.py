"""What takes of a riff that loops are made with: its recording and responder (`Bench`), what the session gives for them
(`TakeMaking`), the thread that draws one (`Drawing`), and the message that has one looped."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import soundfile

from agent.conversation.riff_stage import RiffStage
from agent.core.messages import LoopTake
from agent.core.os_process import set_nice_beside
from agent.core.types import DrawnBar
from agent.directions.drawn import reply_of
from agent.directions.edit import Edit
from agent.takes.captured import BEFORE_S, Captured, looped_sound, looped_take
from agent.takes.edges import core_of
from agent.takes.mixdown import RATE, Sound
from agent.takes.riff import Riff
from agent.takes.take import Take
from models.music.tokens import Reply
from models.responder.responder import Responder

log = logging.getLogger(__name__)

NICE = 5  # of the threads that draw and render: the workers have the processor first


@dataclass(frozen=True, slots=True)
class Bench:
    """What takes of a captured riff are made with. recording: its sound, mono at RATE of agent/takes/mixdown.py."""

    captured: Captured
    recording: Sound
    responder: Responder


@dataclass(frozen=True, slots=True)
class TakeMaking:
    """What a session gives for the takes of a riff that loops.

    captured: returns the riff that loops, None where none does; responder: loads the one that draws; made: is told of
    every take, and why; keeps: is given them all when the loop ends; folder: where they are kept, a folder a riff.
    """

    captured: Callable[[], Captured | None] = lambda: None
    responder: Callable[[], Responder] = Responder.load
    made: Callable[[Take, str], object] = lambda take, why: None
    keeps: Callable[[Path, Sequence[Take], Captured], object] = lambda folder, takes, captured: None
    folder: Path | None = None

    def new_folder(self, riff: str) -> Path:
        """Make a folder for the takes of a riff; return a temporary one where that fails."""
        stem = "-".join(riff.split())
        within = self.folder if self.folder and self.folder.is_dir() else Path(tempfile.gettempdir())
        for number in range(1, 1_000):
            path = within / (stem if number == 1 else f"{stem}-{number}")
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
                return path
        return within


class Drawing(Thread):
    """Draws the take that edits make, beside the loop. riff: what it is drawn with, None where that failed."""

    def __init__(self, edits: tuple[Edit, ...], captured: Captured, begun: Callable[[], RiffStage | None]) -> None:
        super().__init__(name="take", daemon=True)
        self.edits, self.captured, self._begun = edits, captured, begun
        self.riff: RiffStage | None = None

    def run(self) -> None:
        set_nice_beside(NICE)
        try:
            riff = self._begun()
            if riff is not None:
                riff.sketcher.imagine(riff.take, self.edits)
            self.riff = riff
        except Exception:  # it is drawn again when it is asked for, and what fails is said then
            log.exception("loop: no take could be drawn beside it")


def message_of(take: Take, recording: Sound, folder: Path) -> LoopTake | None:
    """Write the bass of a take into a folder; return the message that has it looped, after its intro where it has one.

    None where it cannot be written. recording: of the riff, mono at RATE of agent/takes/mixdown.py.
    """
    try:
        then = _message(core_of(take), recording, folder / f"take-{take.number:03d}-bass.wav", None)
        return _message(take, recording, folder / f"take-{take.number:03d}-intro.wav", then) if take.intro else then
    except (OSError, RuntimeError):
        log.exception("take %d: its bass cannot be written", take.number)
        return None


def _message(take: Take, recording: Sound, path: Path, then: LoopTake | None) -> LoopTake:
    sound, gain_db = looped_sound(take, recording)
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    return LoopTake(looped_take(take), str(path), BEFORE_S, gain_db, then)


def drawn_over(bars: Iterable[DrawnBar], captured: Captured, riff: Riff) -> dict[tuple[int, int], Reply]:
    """Return what the band last decided for each place of a riff, of bars that were played over it."""
    count = len(riff.bars)
    found: dict[tuple[int, int], Reply] = {}
    for bar in list(bars)[-2 * count :]:
        place = (bar.bar - captured.began) % count
        if bar.meter == riff.bars[place].meter and bar.parts:
            found |= {(place, tick): reply_of(one, bar.parts) for tick, one in enumerate(bar.ticks)}
    return found
