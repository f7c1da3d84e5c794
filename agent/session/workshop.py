"""Runs the workshop: a conversation over a recorded riff, each take written as it is made.

Where the riff is to be heard, the workshop is a live session (agent/session/live.py) that begins with it: `kept_of`
makes a section of it, `cut_from` the sound that loops.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile

from agent.conversation.ideas import Answer
from agent.conversation.player_notes import PlayerNotes
from agent.conversation.riff_talk import RiffTalk
from agent.core.errors import UserError
from agent.core.music_names import key_name, meter_of
from agent.core.paths import FOLDER, data_folder
from agent.core.settings import Config
from agent.language import llm_parser
from agent.language import parser as conversation
from agent.language.parser import Context
from agent.listen.file_listener import listen_file
from agent.listen.gathered import Hearing
from agent.memory.player_profile import GUEST, with_player_adapter
from agent.memory.practice import finish
from agent.memory.store import Memory
from agent.parts.bass_bar import bass_bar
from agent.parts.groove_library import GrooveLibrary
from agent.parts.song_key import key_given
from agent.reply.generation_options import open_responder
from agent.song.bar_planner import plan_bar
from agent.song.kept import KeptSection
from agent.song.song_plan import SongPlan
from agent.takes import take_files
from agent.takes.captured import BEFORE_S
from agent.takes.compare import measured
from agent.takes.mixdown import RATE, Sound, render
from agent.takes.riff import Riff, riff_of
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take
from agent.takes.take_midi import write_midi
from listener.capture import AudioFile
from models.responder.responder import Responder
from models.timing.drum_timing import Timing

BLOCK = 48_000
LONGEST_RIFF_S = 1_200.0  # of a recording that are listened to
GAP_S = 0.7  # between A and B
SHOWN = 5  # figures that moved, a line each


class Workshop:
    """A workshop session. folder None: nothing is written. recording: mono at RATE of agent/takes/mixdown.py."""

    def __init__(
        self,
        dialogue: RiffTalk,
        riff: Riff,
        recording: Sound,
        folder: Path | None,
        config: Config,
        memory: Memory | None,
    ) -> None:
        self.dialogue, self.folder = dialogue, folder
        self._riff, self._recording, self._config, self._memory = riff, recording, config, memory
        self._timing = Timing.load()
        self._kept: list[take_files.Sheet] = []

    def open(self, now_s: float) -> Iterator[str]:
        """Return the greeting, what was heard, and the first take."""
        conversation.parse("less snare")  # the parser loads its tables now, not in the first answer
        yield self.dialogue.greet()
        riff = self._riff
        meters = " ".join(dict.fromkeys(str(bar.meter) for bar in riff.bars))
        yield f"I hear {len(riff.bars)} bars of {meters} at {riff.tempo_bpm:.0f}, {key_name(riff.key)}."
        answer = self.dialogue.listen(riff)
        yield from self._answered(answer, "", self.dialogue.takes)

    def line(self, text: str, now_s: float) -> Iterator[str]:
        """Answer one line; return the answer and what was written. No sentence raises."""
        self.dialogue.tick(now_s)
        had = len(self.dialogue.takes)
        answer = self.dialogue.say(text)
        yield from self._answered(answer, text, self.dialogue.takes[had:])

    def _answered(self, answer: Answer, sentence: str, new: tuple[Take, ...]) -> Iterator[str]:
        yield answer.reply
        for take in new:
            before = self._kept[-1] if self._kept else None
            sheet = take_files.sheet_of(take, sentence, self._timing)
            self._kept.append(sheet)
            moved = measured(before, sheet) if before and answer.changed else []
            yield from (f"    {line}" for line in moved[:SHOWN])
            yield from self._written(take, sheet)
        take = self.dialogue.take
        if not new and self.folder and self._kept and take.name != self._kept[-1].name:
            self._kept[-1] = take_files.sheet_of(take, self._kept[-1].sentence, self._timing)
            take_files.write(self.folder, self._kept[-1])

    def _written(self, take: Take, sheet: take_files.Sheet) -> Iterator[str]:
        if self.folder is None:
            return
        mix = render(take, self._recording, self._timing).mix
        take_files.write(self.folder, sheet)
        midi, wav = (self.folder / f"take-{take.number:03d}{suffix}" for suffix in (".mid", ".wav"))
        write_midi(midi, take, self._config, self._timing)
        soundfile.write(wav, mix, RATE, subtype="PCM_16")
        yield f"    take {take.number}: {wav}, {midi.name}"
        if sheet.says.endswith("again"):
            yield f"    A, then B: {self._compared(wav, mix)}"

    def _compared(self, path: Path, mix: Sound) -> Path:
        """Join the previous take, a pause and this take, to be heard one after the other."""
        other = path.with_name(f"take-{len(self._kept) - 1:03d}.wav")
        if not other.exists():
            return path
        before = soundfile.read(other, dtype="float32", always_2d=True)[0]
        out = path.with_name("ab.wav")
        gap = np.zeros((round(GAP_S * RATE), 2), np.float32)
        soundfile.write(out, np.concatenate([before, gap, mix]), RATE, subtype="PCM_16")
        return out

    def close(self) -> None:
        """End the session; the player's adapter is trained in the background; the memory is closed."""
        self.dialogue.close()
        if self._memory:
            notes = self.dialogue.notes
            finish(self._memory, notes.player_id, notes.session, self.dialogue.takes)
            self._memory.close()


def opened(given: argparse.Namespace, config: Config) -> Workshop:
    """Open a workshop from the command line's options. Raises UserError for what cannot be heard, read or written."""
    time_given = (config.band.meter, config.band.tempo_bpm)
    riff, recording = heard(given.recording, given.bars, given.first_s, time_given, config.audio.input_channel)
    talk = config.conversation
    name = given.player or talk.player
    name = GUEST if given.guest else name
    memory = None if name == GUEST else Memory(data_folder())
    sketcher = Sketcher(responder_for(config, name), config.band.temperature)
    folder = given.out.resolve() if given.out else None
    if folder is None and memory:
        folder = data_folder() / FOLDER / datetime.now().strftime("%Y%m%d-%H%M%S")
    if folder:
        _made(folder)
    now_s = datetime.now().timestamp()
    notes = PlayerNotes(memory, name, now_s, talk.half_life_days, str(folder or ""))
    dialogue = RiffTalk(sketcher, notes, talk.proposals, hearing(config))
    return Workshop(dialogue, riff, recording, folder, config, memory)


def responder_for(config: Config, name: str) -> Responder:
    """Load the config's responder, with the adapter trained for this player. Raises UserError."""
    config = with_player_adapter(replace(config, conversation=replace(config.conversation, player=name)))
    return open_responder(None, config, config.models.adapter)


def hearing(config: Config) -> Callable[[str, Context], conversation.ParseResult]:
    """Return the parser of sentences: the language model where one is set, else the built-in one."""
    talk = config.conversation
    if not talk.endpoint:
        return conversation.parse
    endpoint = llm_parser.Endpoint(talk.endpoint, talk.model, talk.timeout_s)
    return lambda sentence, context: llm_parser.parse(sentence, endpoint, context)


def kept_of(riff: Riff, name: str) -> KeptSection:
    """Return a riff as a section of a song, with a groove of the band's choice; its chords are found as it plays."""
    usual = max((bar.meter for bar in riff.bars), key=[bar.meter for bar in riff.bars].count)
    bars = tuple(bass_bar(usual, bar.fitted(usual).basses) for bar in riff.bars)
    key = key_given(riff.key)
    plan, _ = plan_bar(SongPlan(quarter_bpm=riff.tempo_bpm, key=key), list(bars), GrooveLibrary.load(), True)
    section = replace(plan.sections[plan.current], name=name)
    chords = tuple(plan.memory.get(bar.signature, ()) for bar in bars)
    odd = tuple((at, bar.meter) for at, bar in enumerate(riff.bars) if bar.meter != usual)
    place = riff.bars[0].start_s, riff.bars[-1].end_s
    return KeptSection(name, section, bars, chords, key.tonic, key.mode, riff.tempo_bpm, *place, odd)


def cut_from(recording: Sound) -> Callable[[float, float, Path], float]:
    """Return what writes a stretch of a recording, mono at RATE, and BEFORE_S before it, into a file."""

    def cut(start_s: float, end_s: float, path: Path) -> float:
        led_in = np.concatenate([np.zeros(round(BEFORE_S * RATE), np.float32), recording])
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, led_in[round(start_s * RATE) : round((end_s + BEFORE_S) * RATE)], RATE, subtype="FLOAT")
        return BEFORE_S

    return cut


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise UserError(f"{folder}: cannot be created ({cause.strerror}); give another folder with --out") from None


def heard(
    path: Path,
    bars: int,
    first_s: float = 0.0,
    given: tuple[str | None, float | None] = (None, None),
    channel: int | None = None,
) -> tuple[Riff, Sound]:
    """Find the riff in a recording; return it and the recording, mono at RATE of agent/takes/mixdown.py.

    channel: of the recording, from 1; None = found by ear. Raises UserError.
    """
    hearing = Hearing()
    if given[0]:
        meter_of(given[0])
    try:
        said = [
            line["says"]
            for line in listen_file(str(path), hearing, given, channel, LONGEST_RIFF_S)
            if line["type"] == "input"
        ]
        sound = np.concatenate([*AudioFile(path, RATE, channel - 1 if channel else None, LONGEST_RIFF_S).blocks(BLOCK)])
    except (ValueError, OSError) as cause:
        raise UserError(str(cause)) from None
    notes = list(hearing.notes.values())
    if not notes:
        why = f" ({'; '.join(said)})" if said else ""
        raise UserError(f"{path}: no bass was heard{why}; record the bass alone and not too quiet")
    return riff_of(notes, hearing.beats, bars, first_s), sound
