"""Plays the player's own sound (agent/sounds/own_voice.py): a small FluidSynth beside the band's."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path
from threading import Thread

from agent.audio.synth import PartVoice, Stems, Synth, SynthUnavailable
from agent.core.os_process import step_behind_realtime
from agent.sounds.soundfont import NotASoundFont, read

log = logging.getLogger(__name__)
PARTS = ("chords", "line")  # that can play it
ABOVE = 12  # semitones above the highest note heard up to which it still sounds like the bass
VELOCITY = 90
USUAL = (0, 0)  # the preset of the technique that most notes have


class OwnVoice:
    """The player's own sound for PARTS; keys out of its range are played octaves away. Raises SynthUnavailable."""

    def __init__(self, path: Path, rate: int) -> None:
        try:
            font = read(path)
            roots = [sample.root for sample in font.samples]
        except (NotASoundFont, OSError) as cause:
            raise SynthUnavailable(f"your own sound cannot be played: {cause}") from None
        if not roots:
            raise SynthUnavailable(f"your own sound cannot be played: {path.name} has no notes")
        self.techniques = {preset.name: preset.number for preset in font.presets}
        voices, presets = [PartVoice(part, i, 0) for i, part in enumerate(PARTS)], tuple(self.techniques.values())
        self._synth = Synth(path, rate, voices, presets)
        self._low, self._high = min(roots), max(max(roots) + ABOVE, min(roots) + 11)

    def play_in(self, technique: str) -> None:
        """Play the notes to come with those that were played in this technique, or as usual where it has too few."""
        for part in PARTS:
            self._synth.choose(part, self.techniques.get(technique, USUAL))

    def key(self, key: int) -> int:
        """Return the key, or the nearest octave of it, that is in the range."""
        while key > self._high:
            key -= 12
        while key < self._low:
            key += 12
        return key

    def send(self, part: str, message: tuple[int, ...]) -> None:
        """One MIDI message of a note, on the key that plays it."""
        self._synth.send(part, (message[0], self.key(message[1]), *message[2:]))

    def render_raw(self, n: int) -> Stems:
        """The next n samples [len(PARTS), 2, n], to be read before the next call; n is a multiple of 64."""
        return self._synth.render_raw(n)

    @property
    def silent(self) -> bool:
        return self._synth.silent

    def lead_in_s(self, part: str, key: int, velocity: int) -> float:
        """Seconds from a note-on to when the note is heard."""
        return self._synth.lead_in_s(part, self.key(key), velocity)

    def lufs(self) -> float:
        """LUFS of its notes."""
        return self._synth.note_lufs("line", [self.key(key) for key in (45, 50, 55)], VELOCITY)

    def all_off(self) -> None:
        self._synth.all_off()

    def close(self) -> None:
        self._synth.close()


class VoiceLoader:
    """Loads the player's own sound in a thread, while the band plays on; take() gives it when it is there."""

    def __init__(self) -> None:
        self._loaded: deque[OwnVoice] = deque(maxlen=1)

    def load(self, path: str, rate: int) -> None:
        """Begin to load; what cannot be loaded is logged and leaves what there was."""
        Thread(target=self._load, args=(Path(path), rate), name="voice", daemon=True).start()

    def _load(self, path: Path, rate: int) -> None:
        step_behind_realtime()
        try:
            self._loaded.append(OwnVoice(path, rate))
        except SynthUnavailable as cause:
            log.warning("%s", cause)

    def take(self) -> OwnVoice | None:
        """Return what was loaded since the last call, else None."""
        return self._loaded.popleft() if self._loaded else None
