"""Renders the band with FluidSynth: MIDI messages in, one dry stereo stem per part out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from ctypes import c_char_p, c_int, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core.midi_constants import CONTROL, NOTE_OFF, NOTE_ON, PROGRAM
from agent.mixing.loudness import OFFSET_DB, k_power
from listener.silence_stderr import quiet_stderr

BLOCK = 64  # samples; FluidSynth acts on messages only at multiples of this
MAX_RENDER = 8192  # samples per call into the library
DRUM_BANK = 128
SUSTAIN_CC = 64
ATTACK_FLOOR = 0.1  # -20 dB of the attack's peak: where a note starts to be heard
ATTACK_S = 0.120  # the part of a note in which its attack is sought
PROBE_VELOCITIES = (45, 80, 115)
LOUD_VELOCITIES = (80, 115)  # of them: at which loudness is measured
PROBE_KEY_STEP = {
    True: 1,
    False: 3,
}  # by is_drums: each drum key has its own sample, neighbours on a keyboard share
SETTINGS_INT = {
    b"synth.reverb.active": 0,
    b"synth.chorus.active": 0,
    b"synth.dynamic-sample-loading": 1,
    b"synth.threadsafe-api": 0,
    b"synth.lock-memory": 0,
    b"synth.polyphony": 128,
}
Stems = NDArray[np.float32]


class SynthUnavailable(OSError):
    """Raised when FluidSynth or its soundfont cannot be used; the message says which, and what to try."""


@dataclass(frozen=True, slots=True)
class PartVoice:
    """How one part sounds. channel: 0-15, as sent. bank 128 = drum kit. pan: -1 left to 1 right."""

    name: str
    channel: int
    program: int
    bank: int = 0
    gain_db: float = 0.0
    pan: float = 0.0


class Synth:
    """One FluidSynth with a stereo output per part; one thread at a time may call it.

    A message takes effect at the first multiple of 64 samples not yet rendered when it was sent, so the
    sound depends only on what was sent at which sample, never on how `render` is cut into calls.
    Raises SynthUnavailable in one line when the library, the soundfont or a part's program is missing.
    """

    def __init__(self, soundfont: Path, sample_rate: int, parts: Sequence[PartVoice]) -> None:
        self.parts = tuple(parts)
        self.sample_rate = sample_rate
        self._index = {part.name: i for i, part in enumerate(self.parts)}
        self._synth: int | None = None
        self._lib = _library()
        self._open(soundfont)
        self._buffer = np.zeros((len(self.parts), 2, MAX_RENDER), np.float32)
        self._pointers = _row_pointers(self._buffer)
        self._carry = np.zeros((len(self.parts), 2, BLOCK), np.float32)
        self._carried = 0
        self._gain = np.stack([_stereo_gain(part) for part in self.parts])
        self._attack = min(int(ATTACK_S * sample_rate), MAX_RENDER) // BLOCK * BLOCK  # samples
        self._lead_in: dict[tuple[int, int], _Probed] = self._measure()

    def send(self, part: str, message: tuple[int, ...]) -> None:
        """One raw MIDI message; its channel nibble is replaced by the part's. System messages are ignored.

        Raises KeyError for an unknown part and ValueError for a message that is not MIDI.
        """
        if len(message) < 2 or not 0x80 <= message[0] <= 0xFF or max(message[1:]) > 127:
            raise ValueError(f"not a MIDI message: {message}; a status byte 128-255 and data bytes 0-127 are expected")
        action = _ACTIONS.get(message[0] & 0xF0)
        if action and self._synth is not None:
            action(self._lib, self._synth, self._index[part], message[1], message[-1])

    def render(self, n: int) -> Stems:
        """The next n samples of every part: float32 [n_parts, n, 2], the part's gain and pan applied."""
        out = np.empty((len(self.parts), n, 2), np.float32)
        done = self._take_carry(out)
        while done < n:
            done += self._render_into(out[:, done:])
        return np.multiply(out, self._gain, out=out)

    def render_raw(self, n: int) -> Stems:
        """The next n samples of every part as the instruments give them: float32 [n_parts, 2, n], without gain and pan,
        to be read before the next call; n is a multiple of 64, at most MAX_RENDER."""
        self._lib.fluid_synth_nwrite_float(self._synth, n, *self._pointers, None, None)
        return self._buffer[:, :, :n]

    @property
    def silent(self) -> bool:
        """Whether nothing sounds or rings on: what `render` would give is zeros, and need not be asked for."""
        return not self._carried and self._lib.fluid_synth_get_active_voice_count(self._synth) == 0

    def lead_in_s(self, part: str, key: int, velocity: int) -> float:
        """Seconds from a note-on to when the note is heard (its 1 ms RMS passes -20 dB of the attack's peak)."""
        probed = self._lead_in[_sound_of(self.parts[self._index[part]])]
        nearest = int(np.abs(np.asarray(PROBE_VELOCITIES) - velocity).argmin())
        return float(probed.lead_s[nearest, int(np.abs(probed.keys - key).argmin())])

    def note_lufs(self, part: str, keys: Sequence[int], velocity: int) -> float:
        """LUFS of the attack of one note of a part, without its gain, as a mean over these keys; -70 for silence."""
        probed = self._lead_in[_sound_of(self.parts[self._index[part]])]
        columns = [int(np.abs(probed.keys - key).argmin()) for key in keys]
        rows = [PROBE_VELOCITIES.index(loud) for loud in LOUD_VELOCITIES]
        measured = 10 * np.log10(np.maximum(probed.power[rows][:, columns].mean(axis=1), 1e-7)) + OFFSET_DB
        return float(np.interp(velocity, LOUD_VELOCITIES, measured))

    def all_off(self) -> None:
        """Every note ends now, without a release; sustain and bends go back to rest."""
        for i in range(len(self.parts)):
            self._lib.fluid_synth_cc(self._synth, i, SUSTAIN_CC, 0)
            self._lib.fluid_synth_pitch_bend(self._synth, i, 8192)
            self._lib.fluid_synth_all_sounds_off(self._synth, i)

    def close(self) -> None:
        """Frees the library's memory; may be called twice."""
        if self._synth is not None:
            self._lib.delete_fluid_synth(self._synth)
            self._lib.delete_fluid_settings(self._settings)
            self._synth = None

    def _open(self, soundfont: Path) -> None:
        if not soundfont.is_file():
            raise SynthUnavailable(f"no soundfont at {soundfont}; set paths.soundfont to an .sf2 or .sf3 file")
        lib = self._lib
        if not lib.fluid_is_soundfont(str(soundfont).encode()):
            raise SynthUnavailable(_UNREADABLE.format(soundfont))
        self._settings = lib.new_fluid_settings()
        for name, value in (SETTINGS_INT | _per_part_settings(len(self.parts))).items():
            lib.fluid_settings_setint(self._settings, name, value)
        lib.fluid_settings_setnum(self._settings, b"synth.sample-rate", float(self.sample_rate))
        lib.fluid_settings_setnum(self._settings, b"synth.gain", 0.5)
        self._synth = lib.new_fluid_synth(self._settings)
        with quiet_stderr():  # its DLS loader, tried on a truncated file, prints
            self._font = lib.fluid_synth_sfload(self._synth, str(soundfont).encode(), 0)
        if self._font < 0:
            self.close()
            raise SynthUnavailable(_UNREADABLE.format(soundfont))
        self._soundfont = soundfont
        self._select_programs(soundfont)

    def _select_programs(self, soundfont: Path) -> None:
        for i, part in enumerate(self.parts):
            self._select(i, part, soundfont)

    def _select(self, index: int, part: PartVoice, soundfont: Path) -> None:
        self._lib.fluid_synth_set_channel_type(self._synth, index, int(part.bank == DRUM_BANK))
        if self._lib.fluid_synth_program_select(self._synth, index, self._font, part.bank, part.program) != 0:
            self.close()
            raise SynthUnavailable(
                f"{soundfont.name} has no program {part.program} in bank {part.bank} (part {part.name}); "
                "choose another program or a fuller soundfont"
            )

    def _take_carry(self, out: Stems) -> int:
        n = min(self._carried, int(out.shape[1]))
        start = BLOCK - self._carried
        out[:, :n] = self._carry[:, :, start : start + n].transpose(0, 2, 1)
        self._carried -= n
        return n

    def _render_into(self, out: Stems) -> int:
        n = min(int(out.shape[1]), MAX_RENDER)
        whole = -(-n // BLOCK) * BLOCK
        self._lib.fluid_synth_nwrite_float(self._synth, whole, *self._pointers, None, None)
        out[:, :n] = self._buffer[:, :, :n].transpose(0, 2, 1)
        if whole > n:
            self._carry[:] = self._buffer[:, :, whole - BLOCK : whole]
            self._carried = whole - n
        return n

    def _measure(self) -> dict[tuple[int, int], _Probed]:
        """Play every sound once, key by key: when it is heard, and how loud its attack is."""
        first = {_sound_of(part): i for i, part in reversed(list(enumerate(self.parts)))}
        found = {sound: _Probed.of(sound[0] == DRUM_BANK) for sound in first}
        weights = k_power(np.fft.rfftfreq(self._attack, 1 / self.sample_rate), self.sample_rate) * 4 / self._attack**2
        for v, velocity in enumerate(PROBE_VELOCITIES):
            for k in range(max((len(one.keys) for one in found.values()), default=0)):
                probed = [
                    (sound, i, int(found[sound].keys[k])) for sound, i in first.items() if k < len(found[sound].keys)
                ]
                for (sound, _, _), attack in zip(probed, self._probe(probed, velocity), strict=True):
                    found[sound].lead_s[v, k] = lead_in_of(attack, self.sample_rate)
                    if velocity in LOUD_VELOCITIES:
                        found[sound].power[v, k] = (np.abs(np.fft.rfft(attack)) ** 2 * weights).sum()
        self._lib.fluid_synth_system_reset(self._synth)
        self._select_programs(self._soundfont)  # the reset makes every part a piano
        return found

    def _probe(self, probed: list[tuple[tuple[int, int], int, int]], velocity: int) -> list[NDArray[np.float32]]:
        for _, i, key in probed:
            self._lib.fluid_synth_noteon(self._synth, i, key, velocity)
        n = self._attack
        self._lib.fluid_synth_nwrite_float(self._synth, n, *self._pointers, None, None)
        attacks = [self._buffer[i, :, :n].mean(0) for _, i, _ in probed]
        self.all_off()
        self._lib.fluid_synth_nwrite_float(self._synth, BLOCK, *self._pointers, None, None)
        return attacks


@dataclass(frozen=True, slots=True)
class _Probed:
    """What was measured of a sound. keys: [n]; lead_s, power: [velocities, n], power K-weighted over the attack."""

    keys: NDArray[np.int64]
    lead_s: NDArray[np.float64]
    power: NDArray[np.float64]

    @classmethod
    def of(cls, is_drums: bool) -> _Probed:
        keys = np.arange(24, 100, PROBE_KEY_STEP[is_drums])
        shape = (len(PROBE_VELOCITIES), len(keys))
        return cls(keys, np.zeros(shape), np.zeros(shape))


def _sound_of(part: PartVoice) -> tuple[int, int]:
    return part.bank, part.program


def lead_in_of(attack: NDArray[np.float32], sample_rate: int) -> float:
    """Seconds of float [n] before its 1 ms RMS first passes -20 dB of its greatest; 0 for silence."""
    width = sample_rate // 1000
    energy = np.cumsum(np.concatenate([np.zeros(1), attack.astype(np.float64) ** 2]))
    rms = np.sqrt((energy[width:] - energy[:-width]) / width)
    if rms.max() < 1e-6:
        return 0.0
    return (int(np.argmax(rms >= ATTACK_FLOOR * rms.max())) + width / 2) / sample_rate


def _stereo_gain(part: PartVoice) -> NDArray[np.float32]:
    gain = 10 ** (part.gain_db / 20)
    return np.array([[gain * min(1, 1 - part.pan), gain * min(1, 1 + part.pan)]], np.float32)


def _per_part_settings(n_parts: int) -> dict[bytes, int]:
    stereo = {b"synth.audio-channels": n_parts, b"synth.audio-groups": n_parts}
    return stereo | {b"synth.midi-channels": -(-n_parts // 16) * 16}


def _row_pointers(buffer: Stems) -> tuple[Any, Any]:
    rows = [[buffer[i, side].ctypes.data for i in range(len(buffer))] for side in (0, 1)]
    left, right = ((c_void_p * len(buffer))(*row) for row in rows)
    return left, right


def _library() -> Any:
    """The pyfluidsynth module, with the calls it lacks added and the library's own printing turned off."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where it found the library when CI is set
            import fluidsynth
    except (ImportError, OSError) as error:
        raise SynthUnavailable(
            f"FluidSynth cannot be loaded ({error}); on Debian: apt install libfluidsynth3, pip install pyfluidsynth"
        ) from error
    if not hasattr(fluidsynth, "fluid_synth_nwrite_float"):
        for name, kinds in _LACKING.items():
            arguments = [(f"a{i}", kind, 1) for i, kind in enumerate(kinds)]
            setattr(fluidsynth, name, fluidsynth.cfunc(name, c_int, *arguments))
        for level in range(5):
            fluidsynth.fluid_set_log_function(level, None, None)
    return fluidsynth


_UNREADABLE = "{} is not a soundfont FluidSynth can read; try another .sf2 or .sf3"
_LACKING: dict[str, tuple[Any, ...]] = {
    "fluid_synth_nwrite_float": (c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_void_p),
    "fluid_synth_get_active_voice_count": (c_void_p,),
    "fluid_is_soundfont": (c_char_p,),
    "fluid_synth_set_channel_type": (c_void_p, c_int, c_int),
    "fluid_synth_key_pressure": (c_void_p, c_int, c_int, c_int),
    "fluid_synth_channel_pressure": (c_void_p, c_int, c_int),
    "fluid_set_log_function": (c_int, c_void_p, c_void_p),
}
_ACTIONS: dict[int, Callable[[Any, int, int, int, int], Any]] = {  # status -> (library, synth, channel, data 1, data 2)
    NOTE_OFF: lambda lib, s, ch, a, b: lib.fluid_synth_noteoff(s, ch, a),
    NOTE_ON: lambda lib, s, ch, a, b: lib.fluid_synth_noteon(s, ch, a, b),  # velocity 0 is a note-off there, too
    0xA0: lambda lib, s, ch, a, b: lib.fluid_synth_key_pressure(s, ch, a, b),
    CONTROL: lambda lib, s, ch, a, b: lib.fluid_synth_cc(s, ch, a, b),
    PROGRAM: lambda lib, s, ch, a, b: lib.fluid_synth_program_change(s, ch, a),
    0xD0: lambda lib, s, ch, a, b: lib.fluid_synth_channel_pressure(s, ch, a),
    0xE0: lambda lib, s, ch, a, b: lib.fluid_synth_pitch_bend(s, ch, a | b << 7),
}
