"""Renders a take to sound: one stem a part, the player's own bass cut to the bars, and a mix at one loudness. Offline.

Level, brightness, reverb, pan and width of each bar go to the mixer that also plays live (agent/mixing); touch, timing
and register are in the notes already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.audio.file_synth import FileSynth
from agent.audio.mixed_synth import MixedSynth
from agent.audio.own_voice_synth import OwnVoice
from agent.audio.synth import BLOCK, PartVoice, Synth, SynthUnavailable
from agent.core.midi_constants import BASS_PROGRAM, NOTE_OFF, NOTE_ON
from agent.core.paths import SOUNDFONT, shipped, shipped_fonts
from agent.core.settings import DEFAULT_PARTS
from agent.core.types import PlannedNote
from agent.directions.mix_wishes import sounds_of, wishes_of
from agent.mixing.bass_reference import BassReference
from agent.mixing.bass_strip import BassStrip
from agent.mixing.master import mastered
from agent.takes.performance import Clock, bass_shift, notes_of, tempo_of
from agent.takes.take import Take
from models.timing.drum_timing import Timing

Sound = NDArray[np.float32]
RATE = 48_000
TAIL_S = 1.5
STRETCH = 75 * BLOCK  # samples that are mixed at once: a hop of the loudness that is measured
SEAM_S = 0.005  # crossfade where the player's sound is cut
SAME_TEMPO = 0.01  # the player's own sound is used where the tempo differs from theirs by no larger share


@dataclass(frozen=True, slots=True)
class Mix:
    """A rendered take. stems: part -> [n, 2], with the bass; mix: [n, 2], limited; rate: Hz."""

    stems: dict[str, Sound]
    mix: Sound
    rate: int = RATE


def render(take: Take, recording: Sound | None = None, timing: Timing | None = None, voice: Path | None = None) -> Mix:
    """Render a take. recording: the player's bass, mono [n] at RATE, which the riff's bars point into. voice: the
    player's own sound, for parts that ask for it.

    Without a recording, or in another tempo or key than the riff's, a synth plays the bass from the notes. The mix is
    brought to agent/mixing/master.py's loudness, the stems with it: they sum to the mix, but for the limiter.
    """
    notes, clock = notes_of(take, timing), Clock.of(take)
    length = -(-round((clock.starts_s[-1] + TAIL_S) * RATE) // BLOCK) * BLOCK
    bass = bass_of(take, recording, length)
    stems = _band(take, clock, notes, bass, voice) | {"bass": _mixed_bass(bass, take, clock)}
    gain, mix = mastered(sum(stems.values(), np.zeros((length, 2), np.float32)), RATE)
    return Mix({part: stem * np.float32(gain) for part, stem in stems.items()}, mix)


def own_sound(take: Take) -> bool:
    """Return whether a take is in the tempo and the key of its riff, so that the player's own sound fits it."""
    if any(map(bass_shift, take.settings)):
        return False
    return all(abs(tempo_of(take, bar) / take.riff.tempo_bpm - 1) < SAME_TEMPO for bar in range(len(take.bars)))


def bass_of(take: Take, recording: Sound | None, length: int) -> Sound:
    """Return the take's bass, mono [length]: cut from the recording; by a synth in another tempo or key."""
    if recording is not None and own_sound(take):
        return cut(take, Clock.of(take), recording, length)
    return _synth_bass(notes_of(take)["bass"], length)


def cut(take: Take, clock: Clock, recording: Sound, length: int) -> Sound:
    """Return the player's bars in the take's order, mono [length], joined by short crossfades."""
    out = np.zeros(length + RATE, np.float32)
    seam = round(SEAM_S * RATE)
    for i, bar in enumerate(take.bars):
        begin, end = round(clock.bar_starts_s[i] * RATE), round(clock.bar_starts_s[i + 1] * RATE)
        first = round(bar.start_s * RATE)
        piece = recording[max(first - seam, 0) : first + end - begin].astype(np.float32)
        ramp = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
        piece[:seam] *= ramp
        piece[-seam:] *= ramp[::-1]
        at = max(begin - seam, 0)
        out[at : at + len(piece)] += piece[: len(out) - at]
    return out[:length]


def _band(
    take: Take, clock: Clock, notes: dict[str, list[PlannedNote]], bass: Sound, voice: Path | None = None
) -> dict[str, Sound]:
    """Play the band beside a bass [n] through the mixer, each bar with its settings; return part -> [n, 2]."""
    asked = [(sounds_of(settings), settings.dials.style) for settings in take.settings]
    synth = FileSynth(shipped_fonts(), RATE, DEFAULT_PARTS, asked)
    if voice is not None:
        with suppress(SynthUnavailable):  # the part's usual instrument plays then
            synth.take_voice(OwnVoice(voice, RATE))
    bars = [(_block(clock.bar_starts_s[i] * RATE), i) for i in range(len(take.settings))]
    pieces, done, reference = [], 0, BassReference(RATE)

    def play_until(at: int) -> None:
        nonlocal done
        while done < at:
            n = min(at - done, STRETCH - done % STRETCH)
            reference.hear(bass[done : done + n])
            synth.play(n)
            done += n
            if done % STRETCH == 0 or done == len(bass):
                synth.follow(reference.away_db)
                pieces.append(synth.mixed())

    for at, part, message in _messages(synth, {part: notes[part] for part in DEFAULT_PARTS}, len(bass)):
        while bars and bars[0][0] <= at:
            begin, bar = bars.pop(0)
            play_until(begin)
            synth.wish(wishes_of(take.settings[bar]))
            synth.sound(*asked[bar])
        play_until(at)
        if part:
            synth.send(part, message)
    synth.close()
    return dict(zip(DEFAULT_PARTS, np.concatenate(pieces, axis=1), strict=True))


def _messages(
    synth: Synth | MixedSynth, notes: dict[str, list[PlannedNote]], length: int
) -> Iterator[tuple[int, str, tuple[int, int, int]]]:
    """Yield (sample, part, message) in order, as early as the instruments need, on whole blocks; then the end."""
    events = []
    for part, played in notes.items():
        for note in played:
            lead_s = synth.lead_in_s(part, note.pitch, note.velocity)
            events.append((max(note.on_s - lead_s, 0.0), 1, part, (NOTE_ON, note.pitch, note.velocity)))
            events.append((max(note.off_s - lead_s, 0.0), 0, part, (NOTE_OFF, note.pitch, 0)))
    for at_s, _, part, message in sorted(events):
        yield min(_block(at_s * RATE), length), part, message
    yield length, "", (0, 0, 0)


def _block(sample: float) -> int:
    """Return the last whole block's beginning before a sample."""
    return round(sample) // BLOCK * BLOCK


def _synth_bass(notes: list[PlannedNote], length: int) -> Sound:
    """Play the bass's notes, mono [length]."""
    synth = Synth(Path(shipped(SOUNDFONT)), RATE, [PartVoice("bass", 0, BASS_PROGRAM)])
    pieces, done = [], 0
    for at, part, message in _messages(synth, {"bass": notes}, length):
        if at > done:
            pieces.append(synth.render(at - done)[0].mean(axis=1))
            done = at
        if part:
            synth.send(part, message)
    synth.close()
    return np.concatenate(pieces)


def _mixed_bass(bass: Sound, take: Take, clock: Clock) -> Sound:
    """Bring the bass through its strip, then to each bar's level; return [n, 2]."""
    strip = BassStrip(RATE)
    strip.observe(bass)
    mixed = strip.process(bass)
    for i, settings in enumerate(take.settings):
        begin, end = (round(clock.bar_starts_s[k] * RATE) for k in (i, i + 1))
        end = len(mixed) if i + 1 == len(take.settings) else end
        gain = 0.0 if "bass" in settings.muted else 10 ** (settings.level_db.get("bass", 0.0) / 20)
        mixed[begin:end] *= np.float32(gain)
    return np.repeat(mixed[:, None], 2, axis=1)
