"""`Caretaker` looks after a session's workers: it restarts one that died, ends the notes it left, and says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from agent.core.errors import UserError
from agent.core.settings import Config
from agent.session.hanging_notes import silence, silence_the_dead
from agent.session.supervisor import Said, Told, Worker
from agent.session.timing_figures import Figures
from agent.session.workers import Workers

log = logging.getLogger(__name__)

STALE_S = 0.3  # the mind should have reported when so much sound came since its last report
SLOW = "still starting: the first start on a machine compiles the ears, a minute or two"


class Caretaker:
    """Call it from the parent's loop only. trouble: takes the cause of what went wrong; say: a line for the display.

    forever: whether a worker that never starts, or dies again and again, is tried for as long as the session runs.
    """

    def __init__(
        self,
        config: Config,
        workers: Workers,
        figures: Figures,
        trouble: Callable[[str], object],
        say: Callable[..., object],
        forever: bool,
    ) -> None:
        self._config, self._workers, self._figures = config, workers, figures
        self._trouble, self._say, self._forever = trouble, say, forever
        self._said_slow = self.gave_up = False
        self._silenced: list[str] = []  # ports at which a session that was killed had left notes, and what was done
        self._silencing: list[str] = []  # results of silencing the MIDI port: "" or why it failed

    def silence_the_dead(self, state: Path) -> None:
        """End, in a thread, the notes that a session that was killed has left."""
        Thread(target=lambda: self._silenced.extend(silence_the_dead(state)), daemon=True).start()

    def look(self, audio_was_alive: bool, begun: bool, heard_at: int) -> int:
        """Look after both workers, once in a turn. Raises UserError where one never started.

        audio_was_alive: before its last reports were read; begun: whether something is recorded; heard_at: samples
        written when the mind last reported. Return the last, as it counts from now on.
        """
        workers = self._workers
        workers.poll()
        self._report_silencing()
        audio, mind = workers.audio, workers.mind
        if mind.starts_slowly and not self._said_slow:
            self._said_slow = True
            self._say(SLOW)
        ended_just_now = audio_was_alive and not audio.alive  # its last reports are read in the next turn
        cause = "" if ended_just_now else audio.trouble(owes_report=workers.rolling)
        if cause or (self._figures.stuck and audio.ready):  # once, not while its successor waits
            self._handle_death(audio, cause or "the sound card's driver is stuck", begun)
            self._silence()
        if audio.restart_when_due():
            workers.rolling = False
            self._figures.new_life()
        if mind.process is None or (workers.bass.ended and not mind.alive):
            return heard_at  # not begun, or the music is over and it has reported everything
        owes = workers.bass.written - heard_at > STALE_S * workers.setup.rate
        if cause := mind.trouble(owes):
            self._handle_death(mind, cause, begun and heard_at > 0)
        return workers.bass.written if mind.restart_when_due() else heard_at

    def silence_and_say(self, timeout_s: float) -> None:
        """End the notes of an audio process that died, and wait for it."""
        (silencing := self._silence()).join(timeout_s)
        if silencing.is_alive():
            self._silencing.append("the MIDI system does not answer")
        self._report_silencing()

    def _silence(self) -> Thread:
        """End the notes of an audio process that died, in a thread, as opening a MIDI port may take a while."""
        thread = Thread(target=lambda: self._silencing.append(silence(self._config)), daemon=True)
        thread.start()
        return thread

    def _report_silencing(self) -> None:
        while self._silenced:
            said = self._silenced.pop()
            log.warning("%s", said)
            self._say(said)
        while self._silencing:
            if why := self._silencing.pop():
                self._trouble(f"notes may hang: the MIDI port could not be silenced ({why}); try `antiphon ctl panic`")

    def _handle_death(self, worker: Worker[Told, Said], cause: str, begun: bool) -> None:
        """Handle a dead worker: schedule its restart, or stop the session if it never started or crash-loops."""
        if not self._forever and not begun:
            raise UserError(worker.failure or f"{cause}; try `antiphon doctor`")
        worker.schedule_restart(cause)
        if worker.history.loops and not self._forever:
            cause = f"{cause}; it died {len(worker.history.early_s)} times within a minute, so the session ends"
            self.gave_up = True
        self._trouble(cause)
        self._say(f"restarting the {worker.name} process", restarts=1)
