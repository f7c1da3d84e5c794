"""Runs a session on a file as fast as the machine can (`jam --fast`), with the same result as in real time."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np

from agent.audio.file_input import Silence, Sound
from agent.audio.loop_sound import read_sound
from agent.audio.mixed_synth import open_synth
from agent.audio.own_voice_synth import OwnVoice
from agent.audio.synth import SynthUnavailable
from agent.core.errors import UserError
from agent.core.messages import MindToAudio, PlayBass, PlayLoop, SetMix, SetTechnique, SetVoice, StopLoop
from agent.core.settings import Config
from agent.directions.active import SetActiveEdits
from agent.engine.heard_bass import HeardBass
from agent.engine.looper import LEVEL_DB, Looper
from agent.engine.player import QUANTUM, Player, Stems
from agent.mind.mind import Mind
from agent.recording.disk_space import keep_of
from agent.recording.event_log import EventLog
from agent.recording.own_sound import OwnSound
from agent.recording.recorder import Recorder
from agent.session.monitor import Monitor
from agent.session.setup import Setup
from agent.session.status import StatusBoard
from agent.session.workers import RING_S
from agent.sounds.instruments import OWN
from listener.capture import DAMAGED, AudioFile, Framer
from listener.ring import Ring
from listener.types import Samples

WRITE_SAMPLES = 8_192  # stems are written in lots of about this many


class OfflineSession:
    """A session on a file. run() processes all of it, or what came before Ctrl-C, and writes the session folder."""

    def __init__(self, config: Config, setup: Setup, folder: Path, monitor: Monitor) -> None:
        assert setup.take
        self._sound: Sound = (
            AudioFile(setup.take, setup.rate, setup.channel)
            if setup.silence_s is None
            else Silence(setup.take, setup.rate, setup.silence_s)
        )
        self._block = config.audio.block_samples
        self._framer, self._board, self._monitor = Framer(setup.rate), StatusBoard(config), monitor
        try:
            self._mind = Mind(config)
        except (OSError, ValueError) as cause:
            raise UserError(str(cause)) from None
        if setup.presses is not None:
            self._mind.send(PlayBass(0, setup.presses))
        synth, warning = open_synth(config, setup.rate)
        self._troubles = [warning] if warning else []
        self._player = Player(setup.rate, tuple(config.parts), synth, None)
        self._ring = Ring(round(RING_S * setup.rate), 1, shared=False)  # the bass, for the loop
        hears_bass = config.audio.monitor_input != "off"  # as where a file is played in real time
        self._looper = Looper(self._ring, setup.rate, level_db=None if hears_bass else LEVEL_DB)
        self._heard = HeardBass(self._ring, setup.rate)
        programs = {name: (part.channel, part.program) for name, part in config.parts.items()}
        self._recorder = Recorder(folder, setup.rate, tuple(config.parts), programs, keep=keep_of(config, folder))
        self._event_log = EventLog(self._recorder)
        self._own = OwnSound(folder, config.conversation.player, self._take_own, keeps=False)
        self._asks_own = False
        self._stems: list[Stems] = []  # rendered, not yet written
        self._loop: list[Samples] = []  # likewise [n, 2]

    def tell(self, message: SetActiveEdits) -> None:
        """Give the mind a message before the file is played; it counts from the first bar on."""
        self._mind.send(message)

    def run(self) -> tuple[str, ...]:
        """Process the file; return the causes of whatever went wrong."""
        try:
            with _interruptible() as interrupted:
                self._play(interrupted)
        finally:
            self._write()
            self._player.stop()
            self._event_log.sent(self._player.records, self._player.notes)
            self._troubles += self._recorder.close()
            self._own.close()
            self._monitor.close()
        return tuple(self._troubles)

    def _play(self, interrupted: list[int]) -> None:
        heard = 0
        for block in self._sound.blocks(self._block):
            if interrupted:
                return
            heard += len(block)
            for line in self._sound.take_lines():
                self._board.say(line)
                self._event_log.remark(line)
            self._take(block)
            self._render(heard)
        self._troubles += [line for line in self._sound.take_lines() if DAMAGED in line]
        self._player.end(heard / self._sound.rate)
        while not self._player.finished and not interrupted:
            self._render(self._player.rendered + self._block)

    def _take(self, block: Samples) -> None:
        self._recorder.bass(block)
        self._ring.write(block[:, None])
        self._player.follow(self._heard.away_db())
        for frame in self._framer.push(block):
            decision = self._mind.step(frame)
            self._event_log.decision(decision)
            self._board.decision(decision)
            if decision.plan:
                self._player.accept(decision.plan)
            for message in self._mind.take_messages():
                self._obey(message)
            self._own.heard(len(decision.analysis.ended), self._asks_own, waits=True)
            self._own.played(decision.analysis.timbre)
        self._monitor.update(self._board.status())

    def _obey(self, message: MindToAudio) -> None:
        """Begin or end a loop or mix otherwise, as the audio process does in real time."""
        match message:
            case PlayLoop() if message.path:
                self._looper.play_sound(message, read_sound(Path(message.path), self._sound.rate))
            case PlayLoop():
                self._looper.play(message)
            case StopLoop():
                self._looper.stop(message)
            case SetMix():
                self._player.mix(message)
                self._asks_own = OWN in message.sounds.values()

    def _take_own(self, message: SetVoice | SetTechnique) -> None:
        if isinstance(message, SetTechnique):
            self._player.take_technique(message.technique)
            return
        with contextlib.suppress(SynthUnavailable):
            self._player.take_voice(OwnVoice(Path(message.path), self._sound.rate))

    def _render(self, until: int) -> None:
        player = self._player
        while player.rendered < until and not player.finished:
            start = player.rendered
            stems = player.render()
            self._stems.append(stems)
            loop = np.zeros(stems.shape[1:], np.float32)
            if self._looper.is_on:
                self._looper.mix_into(loop, start)
            self._loop.append(loop)
        if len(self._stems) * QUANTUM >= WRITE_SAMPLES:
            self._write()
        self._event_log.sent(player.records, player.notes)
        self._board.played(player.counts)
        player.records.clear()
        player.notes.clear()

    def _write(self) -> None:
        if self._stems:
            self._recorder.stems(np.concatenate(self._stems, axis=1), np.concatenate(self._loop))
            self._stems.clear()
            self._loop.clear()


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """A list that is no longer empty once Ctrl-C or SIGTERM has come."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
