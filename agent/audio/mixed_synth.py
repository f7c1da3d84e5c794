"""Plays the band: FluidSynth with a lane for each piece of the kit, and the mixer behind it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

from agent.audio.measured import Number
from agent.audio.own_voice_synth import PARTS as OWN_PARTS
from agent.audio.own_voice_synth import OwnVoice
from agent.audio.synth import DRUM_BANK, MAX_RENDER, PartVoice, Stems, Synth, SynthUnavailable
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.os_process import step_behind_realtime
from agent.core.paths import shipped_fonts, voice_path
from agent.core.settings import DEFAULT_PARTS, Config, PartConfig
from agent.core.types import MixWish
from agent.mixing.lanes import PITCHED, REFERENCE_VELOCITY, Lane, lane_of, lanes_of
from agent.mixing.mixer import Mixer
from agent.sounds.font_choice import chosen_font
from agent.sounds.instruments import INSTRUMENTS, OFTEN, OWN, of_style, pairs_read

log = logging.getLogger(__name__)

READER_STAYS_S = 2.0  # after what it has read last
MOST_DB, LEAST_DB = 24.0, -24.0  # to bring an instrument to its lane's level


class MixedSynth:
    """The band's instruments and their mix; one thread at a time may call it.

    soundfonts: asked for a preset in this order. presets: instrument -> (bank, program) of those that are not where
    General MIDI has them; instruments: those that may be asked for. waits: whether one that is not in memory is read
    when it is to play; else a thread reads it, and it plays from the next message after that on. A message takes
    effect at the next multiple of 64 samples, as in Synth. Raises SynthUnavailable like it.
    """

    mixer_kind: type[Mixer] = Mixer

    def __init__(
        self,
        soundfonts: Path | Sequence[Path],
        rate: int,
        parts: Mapping[str, PartConfig],
        presets: Mapping[str, tuple[int, int]] | None = None,
        instruments: Collection[str] = tuple(INSTRUMENTS),
        waits: bool = True,
    ) -> None:
        lanes = [lane for part in parts for lane in lanes_of(part)]
        voices = [_voice(lane, i, parts[lane.part]) for i, lane in enumerate(lanes)]
        self._presets = {name: INSTRUMENTS[name].preset for name in instruments} | dict(presets or {})
        self.sample_rate, self.parts, self._configured = rate, tuple(parts), dict(parts)
        wished = self._wished({}, None)
        first = {lane.name: wished[lane.part] for lane in lanes}
        self._synth = Synth(soundfonts, rate, voices, tuple(self._presets.values()), first=first)
        self._lanes = {part: tuple(lane.name for lane in lanes_of(part)) for part in parts}
        self.sounds: dict[str, tuple[int, int]] = {}  # part -> (bank, program) that plays
        offsets = {part: (config.gain_db, config.pan) for part, config in parts.items()}
        self.mixer = self.mixer_kind(rate, lanes, [self._gain_db(lane) for lane in lanes], offsets)
        self._silence = np.zeros((len(lanes), 2, MAX_RENDER), np.float32)
        self._voice: OwnVoice | None = None
        self._technique = ""
        self._lane_index = {lane.name: i for i, lane in enumerate(lanes)}
        self._rung_gain: dict[str, float] = {}
        self._own_gain: dict[str, float] = {}  # part that plays it -> gain beside its lane's
        self._asked: tuple[Mapping[str, str], str | None] = ({}, None)
        self._reader: PresetReader | None = None
        self.sound({}, None)
        self._synth.forget_unused()
        if not waits:
            fonts = (soundfonts,) if isinstance(soundfonts, Path) else tuple(soundfonts)
            self._reader = PresetReader(fonts, rate)

    def take_voice(self, voice: OwnVoice) -> None:
        """Have the player's own sound from the next block on; a part plays it when it is asked for."""
        self._voice, before = voice, self._voice
        self.take_technique(self._technique)
        if before:
            before.close()

    def take_technique(self, technique: str) -> None:
        """Play the player's own sound in this technique from the next block on, where it has notes of it."""
        self._technique = technique
        if self._voice:
            self._voice.play_in(technique)
            self.sound(*self._asked)

    def sound(self, asked: Mapping[str, str], style: str | None) -> None:
        """Play each part with the instrument asked for, else the config's, else that of the song's style, from the
        next block on; what the soundfonts have not leaves a part as it is."""
        self._asked = (asked, style)
        before = dict(self.sounds)
        self.prepare(asked, style)
        for part, number in self._wanted(asked, style).items():
            if self._reader is None or self._synth.is_loaded(number):
                self.sounds[part] = number
                for lane in self._lanes[part]:
                    self._synth.choose(lane, number)
        if self.sounds != before:
            lanes = self.mixer.lanes
            bright = {self._presets[n]: one.bright_db for n, one in INSTRUMENTS.items() if n in self._presets}
            brights = [bright.get(self.sounds.get(lane.part, (-1, -1)), 0.0) for lane in lanes]
            self.mixer.regain([self._gain_db(lane) for lane in lanes], brights)
        voice, playing = self._voice, [part for part in OWN_PARTS if self._plays_own(part, asked)]
        self._own_gain = {part: self._gain_of_own(part, voice) for part in playing} if voice else {}

    def prepare(self, asked: Mapping[str, str], style: str | None) -> None:
        """Be told what `sound` will be asked for soon: a thread reads what is not in memory yet."""
        if self._reader:
            often = (self._presets[name] for name in OFTEN if name in self._presets)
            for number in (*self._wanted(asked, style).values(), *often):
                if self._synth.has(number) and not self._synth.is_loaded(number):
                    self._reader.read(number)

    def _wanted(self, asked: Mapping[str, str], style: str | None) -> dict[str, tuple[int, int]]:
        """Return the preset that each part is to play, as far as the soundfonts have it."""
        wished = self._wished(asked, style)
        return {part: number for part, number in wished.items() if self._synth.has(number)}

    def _wished(self, asked: Mapping[str, str], style: str | None) -> dict[str, tuple[int, int]]:
        """Return the preset that each part is to play, whether the soundfonts have it or not."""
        usual = of_style(style)
        return {
            part: self._presets.get(asked.get(part, "")) or self._own(part) or self._presets[usual[part]]
            for part in self.parts
        }

    def lacks(self, soundfont: Path) -> str:
        """Return which of the instruments that play now a soundfont has not, in words; "" for none."""
        names = {number: name for name, number in self._presets.items()}
        missing = {part: number for part, number in self.sounds.items() if self._synth.font_of(number) != soundfont}
        return ", ".join(names.get(number, f"{number[0]}:{number[1]} ({part})") for part, number in missing.items())

    def _plays_own(self, part: str, asked: Mapping[str, str]) -> bool:
        config = self._configured.get(part)
        named = asked.get(part) or (config.sound if config else None)
        return self._voice is not None and named == OWN

    def _gain_of_own(self, part: str, voice: OwnVoice) -> float:
        """Return what brings the player's own sound to where the part's instrument would be."""
        lane = next(lane for lane in self.mixer.lanes if lane.name == part)
        wanted_db = min(max(lane.level_db - voice.lufs(), LEAST_DB), MOST_DB)
        return float(10 ** ((wanted_db - self._gain_db(lane)) / 20))

    def _own(self, part: str) -> tuple[int, int] | None:
        """Return the preset that the config names for a part, None where it is the default."""
        config, usual = self._configured[part], DEFAULT_PARTS.get(part)
        if config.sound:
            return self._presets.get(config.sound)
        if usual and (config.bank, config.program) == (usual.bank, usual.program):
            return None
        return (DRUM_BANK if part == "drums" else config.bank), config.program

    def _gain_db(self, lane: Lane) -> float:
        """What brings a lane's instrument, as it was measured, to the level of the table."""
        gain_db = lane.level_db - self._synth.note_lufs(lane.name, lane.probe, REFERENCE_VELOCITY)
        return min(max(gain_db, LEAST_DB), MOST_DB)

    def send(self, part: str, message: tuple[int, ...]) -> None:
        """One raw MIDI message to a part, whatever its channel nibble. Raises as Synth.send does."""
        if self._reader and self._reader.hand_over(self._synth):
            self.sound(*self._asked)
        kind = message[0] & 0xF0 if message else 0
        if self._voice and part in OWN_PARTS and kind in (NOTE_ON, NOTE_OFF) and len(message) > 1:
            begins = kind == NOTE_ON and message[-1] > 0
            if part in self._own_gain or not begins:
                self._voice.send(part, message)
            if part in self._own_gain and begins:
                return
        lanes = (lane_of(part, message[1]),) if kind in (NOTE_ON, NOTE_OFF) and len(message) > 1 else self._lanes[part]
        if kind == NOTE_ON and len(message) > 2 and message[2] and part in PITCHED and self.mixer.expects(part):
            self._expect(part, message[1], message[2])
        for lane in lanes:
            self._synth.send(lane, message)

    def _expect(self, part: str, key: int, velocity: int) -> None:
        """Tell the mixer how much louder one of a part's first notes is than the lane's table has it."""
        lane = self.mixer.lanes[self._lane_index[part]]
        self.mixer.expect(part, self._synth.note_lufs(part, (key,), velocity) + self._gain_db(lane) - lane.level_db)

    def render(self, n: int) -> Stems:
        """The next n samples of every part as mixed: float32 [parts, n, 2]; n is a multiple of 64."""
        done, pieces = 0, []
        while done < n:
            count = min(n - done, MAX_RENDER)
            pieces.append(self.mixer.process(self._raw(count)))
            done += count
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    def _raw(self, n: int) -> Stems:
        """The next n samples of every lane, unmixed."""
        sounds = self._voice is not None and not self._voice.silent
        raw = self._synth.render_raw(n) if sounds or not self._synth.silent else self._silence[:, :, :n]
        if sounds and self._voice:
            for part, own in zip(OWN_PARTS, self._voice.render_raw(n), strict=True):
                if (lane := self._lane_index.get(part)) is not None:
                    raw[lane] += self._last_gain(part) * own
        return raw

    def _last_gain(self, part: str) -> float:
        """Return the gain of what a part plays, or has played and rings out, by the player's own sound."""
        self._rung_gain[part] = self._own_gain.get(part, self._rung_gain.get(part, 1.0))
        return self._rung_gain[part]

    def wish(self, wishes: Mapping[str, MixWish]) -> None:
        """Mix as these wishes say from now on; see Mixer.wish."""
        self.mixer.wish(wishes)

    def follow(self, away_db: float) -> None:
        """Play so much louder than usual as the bass is in the mix; see Mixer.follow."""
        self.mixer.follow(away_db)

    @property
    def silent(self) -> bool:
        """Whether nothing sounds or rings on: what `render` would give is zeros, and need not be asked for."""
        return self._synth.silent and self.mixer.silent and (self._voice is None or self._voice.silent)

    def lead_in_s(self, part: str, key: int, velocity: int) -> float:
        """Seconds from a note-on to when the note is heard; see Synth.lead_in_s."""
        if self._voice and part in self._own_gain:
            return self._voice.lead_in_s(part, key, velocity)
        return self._synth.lead_in_s(lane_of(part, key), key, velocity)

    def all_off(self) -> None:
        """Every note ends now, without a release; the reverb rings out."""
        self._synth.all_off()
        if self._voice:
            self._voice.all_off()

    def close(self) -> None:
        """Free the library's memory; may be called twice."""
        self._synth.close()
        if self._voice:
            self._voice.close()


class PresetReader:
    """Reads presets in a thread, while a synth plays on. FluidSynth keeps a sample once for all synths of a process, so
    the one that plays finds it in memory. read() and hand_over() are called by the thread that plays."""

    def __init__(self, soundfonts: Sequence[Path], rate: int) -> None:
        self._soundfonts, self._rate = tuple(soundfonts), rate
        self._asked: SimpleQueue[Number] = SimpleQueue()
        self._read: deque[Number] = deque()
        self._taken: set[Number] = set()  # that were asked for
        self._thread: Thread | None = None

    def read(self, number: Number) -> None:
        """Begin to read a preset; once for each."""
        if number not in self._taken:
            self._taken.add(number)
            self._asked.put(number)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="sounds", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        step_behind_realtime()
        while True:
            bank, program = number = self._asked.get()
            try:
                reader = Synth(self._soundfonts, self._rate, [PartVoice("any", 0, program, bank)])
            except SynthUnavailable as cause:
                log.warning("%s", cause)
                continue
            more: Number | None = number
            while more or self._read:  # the reader stays until all that it has read was taken over
                if more:
                    reader.load(more)
                    self._read.append(more)
                more = self._next()
            reader.close()

    def _next(self) -> Number | None:
        try:
            return self._asked.get(timeout=READER_STAYS_S)
        except Empty:
            return None

    def hand_over(self, synth: Synth) -> bool:
        """Let a synth take over what was read since the last call; return whether there was anything."""
        found = bool(self._read)
        while self._read:
            synth.load(self._read.popleft())
        return found


def _voice(lane: Lane, channel: int, config: PartConfig) -> PartVoice:
    return PartVoice(lane.name, channel, config.program, DRUM_BANK if lane.part == "drums" else config.bank)


_loaded: list[tuple[MixedSynth | None, str]] = []


def load_synth(config: Config, rate: int) -> None:
    """Load the synth beforehand: the next open_synth of this process, or of each forked from it, returns it."""
    _loaded.append(open_synth(config, rate, waits=False))


def open_synth(config: Config, rate: int, waits: bool = True) -> tuple[MixedSynth | None, str]:
    """Return (the synth, "" or why it plays the sounds that ship) or (None, why there is none). waits: as MixedSynth's.

    Where the config's soundfont, or the one that `antiphon sounds use` chose, cannot be used, those that ship play;
    they also have the presets that it lacks. Where all lack a program of the config, its default plays.
    """
    if _loaded:
        return _loaded.pop()
    own, whole, ships = chosen_font(config.paths), dict(config.parts), shipped_fonts()
    plain = {name: replace(part, program=DEFAULT_PARTS.get(name, part).program, bank=0) for name, part in whole.items()}
    said = ""
    try:
        presets = pairs_read(config.paths.presets) if own else {}
    except ValueError as cause:
        presets, said = {}, f"paths.presets: {cause}"
    tries = [((own, *ships), whole)] if own else []
    for soundfonts, parts in (*tries, (ships, whole), (ships, plain)):
        try:
            synth = MixedSynth(soundfonts, rate, parts, presets if own in soundfonts else {}, waits=waits)
        except SynthUnavailable as cause:
            said = said or str(cause)
        else:
            if own in soundfonts and (lacks := synth.lacks(own)):
                said = f"{own.name} has no {lacks}"
            return synth, "; ".join(filter(None, (said and f"{said}; the sounds that ship play", _own(synth, config))))
    return None, said


def _own(synth: MixedSynth, config: Config) -> str:
    """Give the synth the player's own sound, where one is kept; return "" or why it cannot be played."""
    path = voice_path(config.conversation.player)
    if path is None or not path.is_file():
        return ""
    try:
        synth.take_voice(OwnVoice(path, synth.sample_rate))
    except SynthUnavailable as cause:
        return str(cause)
    return ""
