"""Renders a take to sound: one stem a part, the player's own bass cut to the bars, and a mix. Offline; uses scipy.

Brightness, reverb, pan and width are applied here; level, timing and register are in the notes already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from agent.audio.synth import DRUM_BANK, PartVoice, Synth
from agent.core.midi_constants import BASS_PROGRAM, NOTE_OFF, NOTE_ON
from agent.core.paths import SOUNDFONT, shipped
from agent.core.settings import DEFAULT_PARTS
from agent.core.types import PlannedNote
from agent.directions.bar_settings import Settings
from agent.recording.limiter import Limiter
from agent.takes.performance import Clock, notes_of, tempo_of
from agent.takes.take import Take
from models.timing.drum_timing import Timing

Sound = NDArray[np.float32]
RATE = 48_000
BLOCK = 64
TAIL_S = 1.5
SEAM_S = 0.005  # crossfade where the player's sound is cut
SHELF_HZ = 1_500.0
REVERB_S = 1.2  # decay to -60 dB
SAME_TEMPO = 0.01  # the player's own sound is used where the tempo differs from theirs by no larger share
BALANCE_DB = {"drums": 8.0, "chords": 9.0, "line": 12.0}  # of the synth, dry
BASS_RMS = 0.09  # level to which the player's bass is brought


@dataclass(frozen=True, slots=True)
class Mix:
    """A rendered take. stems: part -> [n, 2], with the bass; mix: [n, 2], limited; rate: Hz."""

    stems: dict[str, Sound]
    mix: Sound
    rate: int = RATE


def render(take: Take, recording: Sound | None = None, timing: Timing | None = None) -> Mix:
    """Render a take. recording: the player's bass, mono [n] at RATE, which the riff's bars point into.

    Without a recording, or at another tempo than the riff's, a synth plays the bass from the notes.
    """
    notes, clock = notes_of(take, timing), Clock.of(take)
    length = round((clock.starts_s[-1] + TAIL_S) * RATE)
    stems = {part: _rendered(part, notes[part], length) for part in DEFAULT_PARTS}
    own = recording is not None and all(
        abs(tempo_of(take, i) / take.riff.tempo_bpm - 1) < SAME_TEMPO for i in range(len(take.bars))
    )
    stems["bass"] = (
        cut(take, clock, recording, length)
        if own and recording is not None
        else _rendered("bass", notes["bass"], length)
    )
    level = np.sqrt(np.mean(stems["bass"] ** 2)) + 1e-9
    for part in stems:
        stems[part] = stems[part] * np.float32(
            10 ** (BALANCE_DB[part] / 20) if part in BALANCE_DB else BASS_RMS / level
        )
        stems[part] = _with_settings(stems[part], part, take, clock)
    total: Sound = np.stack(list(stems.values())).sum(0)
    return Mix(stems, Limiter(RATE).step(total, last=True))


def cut(take: Take, clock: Clock, recording: Sound, length: int) -> Sound:
    """Return the player's bars in the take's order, [length, 2], joined by short crossfades."""
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
    return np.repeat(out[:length, None], 2, axis=1)


def _rendered(part: str, notes: list[PlannedNote], length: int) -> Sound:
    voice = (
        PartVoice("bass", 0, BASS_PROGRAM)
        if part == "bass"
        else PartVoice(
            part,
            DEFAULT_PARTS[part].channel_index,
            DEFAULT_PARTS[part].program,
            DRUM_BANK if part == "drums" else 0,
            DEFAULT_PARTS[part].gain_db,
            DEFAULT_PARTS[part].pan,
        )
    )
    synth = Synth(Path(shipped(SOUNDFONT)), RATE, [voice])
    events = []
    for note in notes:
        lead_s = synth.lead_in_s(part, note.pitch, note.velocity)
        events.append((max(note.on_s - lead_s, 0.0), 1, (NOTE_ON, note.pitch, note.velocity)))
        events.append((max(note.off_s - lead_s, 0.0), 0, (NOTE_OFF, note.pitch, 0)))
    events.sort()
    pieces, done = [], 0
    for at_s, _, message in events:
        until = min(round(at_s * RATE) // BLOCK * BLOCK, length)
        if until > done:
            pieces.append(synth.render(until - done)[0])
            done = until
        synth.send(part, message)
    if length > done:
        pieces.append(synth.render(length - done)[0])
    synth.close()
    return np.concatenate(pieces)


def _with_settings(stem: Sound, part: str, take: Take, clock: Clock) -> Sound:
    """Apply brightness, reverb, bass level, pan and width bar by bar; return the same stem where none is set."""
    out = stem
    for treat in (_brightened, _reverberant, _levelled, _widened):
        treated = np.zeros_like(out)
        changed = False
        for i, settings in enumerate(take.settings):
            begin, end = (round(clock.bar_starts_s[k] * RATE) for k in (i, i + 1))
            end = len(out) if i + 1 == len(take.settings) else end
            piece = treat(out, part, settings)
            changed |= piece is not out
            treated[begin:end] = piece[begin:end]
        out = treated if changed else out
    return out


def _brightened(sound: Sound, part: str, settings: Settings) -> Sound:
    """Apply a high-shelf filter above SHELF_HZ, 6 dB for each of `bright_octaves`."""
    octaves = settings.bright_octaves.get(part, 0.0)
    if not octaves:
        return sound
    low = signal.sosfilt(signal.butter(1, SHELF_HZ, "low", fs=RATE, output="sos"), sound, axis=0)
    gain = 10 ** (6 * octaves / 20)
    shelved: Sound = (low + gain * (sound - low)).astype(np.float32)
    return shelved


def _reverberant(sound: Sound, part: str, settings: Settings) -> Sound:
    """Add the reverb of decaying noise (Moorer 1979)."""
    share = settings.reverb.get(part, 0.0)
    if share <= 0:
        return sound
    rng, n = np.random.default_rng(7), round(REVERB_S * RATE)
    room = rng.standard_normal((n, 2)) * 10 ** (-3 * np.arange(n) / n)[:, None]
    room /= np.sqrt((room**2).sum(0))
    wet = np.stack([signal.fftconvolve(sound[:, c], room[:, c])[: len(sound)] for c in (0, 1)], axis=1)
    mixed: Sound = (sound + 0.6 * share * wet).astype(np.float32)
    return mixed


def _levelled(sound: Sound, part: str, settings: Settings) -> Sound:
    """Apply level and mute to the bass, whose sound is the player's; the other parts have them in their notes."""
    gain_db = settings.level_db.get("bass", 0.0) if part == "bass" else 0.0
    if part == "bass" and "bass" in settings.muted:
        return np.zeros_like(sound)
    return sound if not gain_db else (sound * 10 ** (gain_db / 20)).astype(np.float32)


def _widened(sound: Sound, part: str, settings: Settings) -> Sound:
    """Apply pan, and width by mid and side: 1 doubles the side, -1 is mono."""
    if part == "bass":
        return sound
    if pan := settings.pan.get(part, 0.0):
        sound = (sound * np.array([min(1.0, 1 - pan), min(1.0, 1 + pan)])).astype(np.float32)
    if not settings.width:
        return sound
    mid, side = sound.mean(1, keepdims=True), (sound[:, :1] - sound[:, 1:]) / 2
    side = side * (1 + settings.width)
    return np.concatenate([mid + side, mid - side], axis=1).astype(np.float32)
