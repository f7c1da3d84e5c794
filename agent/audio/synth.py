"""Renders the band with FluidSynth: MIDI messages in, one dry stereo stem per part out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from ctypes import Array, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.audio.measured import DRUM_BANK as DRUM_BANK
from agent.audio.measured import LOUD_VELOCITIES, PROBE_VELOCITIES, Measured, Number, known
from agent.audio.measured import lead_in_of as lead_in_of
from agent.core.midi_constants import CONTROL, NOTE_OFF, NOTE_ON, PROGRAM
from agent.mixing.loudness import k_mean_square
from listener.silence_stderr import quiet_stderr

BLOCK = 64  # samples; FluidSynth acts on messages only at multiples of this
MAX_RENDER = 8192  # samples per call into the library
SUSTAIN_CC = 64
ATTACK_S = 0.120  # the part of a note in which its attack is sought; of a drum hit, how loud it is, too
HELD_S = 0.400  # the part of a pitched note that says how loud it is: an organ's stays, a guitar's has died away
SETTINGS_INT = {
    b"synth.reverb.active": 0,
    b"synth.chorus.active": 0,
    b"synth.dynamic-sample-loading": 1,
    b"synth.threadsafe-api": 0,
    b"synth.lock-memory": 0,
    b"synth.polyphony": 128,
}
Stems = NDArray[np.float32]
Handle = int | None  # of a synth or settings; None once it is deleted
Pointers = Array[c_void_p]  # to the samples of every part, one side


class FluidSynth(Protocol):
    """The part of FluidSynth's functions that is used here; result 0 is success, -1 failure."""

    def new_fluid_settings(self) -> Handle: ...
    def delete_fluid_settings(self, settings: Handle) -> None: ...
    def fluid_settings_setint(self, settings: Handle, name: bytes, value: int) -> int: ...
    def fluid_settings_setnum(self, settings: Handle, name: bytes, value: float) -> int: ...
    def new_fluid_synth(self, settings: Handle) -> Handle: ...
    def delete_fluid_synth(self, synth: Handle) -> None: ...
    def fluid_is_soundfont(self, path: bytes) -> int: ...
    def fluid_synth_sfload(self, synth: Handle, path: bytes, update_presets: int) -> int: ...
    def fluid_synth_pin_preset(self, synth: Handle, font: int, bank: int, program: int) -> int: ...
    def fluid_synth_unpin_preset(self, synth: Handle, font: int, bank: int, program: int) -> int: ...
    def fluid_synth_get_sfont_by_id(self, synth: Handle, font: int) -> Handle: ...
    def fluid_sfont_get_preset(self, font: Handle, bank: int, program: int) -> Handle: ...
    def fluid_synth_set_channel_type(self, synth: Handle, channel: int, kind: int) -> int: ...
    def fluid_synth_program_select(self, synth: Handle, channel: int, font: int, bank: int, program: int) -> int: ...
    def fluid_synth_program_change(self, synth: Handle, channel: int, program: int) -> int: ...
    def fluid_synth_noteon(self, synth: Handle, channel: int, key: int, velocity: int) -> int: ...
    def fluid_synth_noteoff(self, synth: Handle, channel: int, key: int) -> int: ...
    def fluid_synth_cc(self, synth: Handle, channel: int, number: int, value: int) -> int: ...
    def fluid_synth_key_pressure(self, synth: Handle, channel: int, key: int, value: int) -> int: ...
    def fluid_synth_channel_pressure(self, synth: Handle, channel: int, value: int) -> int: ...
    def fluid_synth_pitch_bend(self, synth: Handle, channel: int, value: int) -> int: ...
    def fluid_synth_all_sounds_off(self, synth: Handle, channel: int) -> int: ...
    def fluid_synth_system_reset(self, synth: Handle) -> int: ...
    def fluid_synth_get_active_voice_count(self, synth: Handle) -> int: ...
    def fluid_synth_nwrite_float(
        self, synth: Handle, n: int, left: Pointers, right: Pointers, wet_left: None, wet_right: None
    ) -> int: ...


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

    soundfonts: one or several, in the order in which they are asked for a preset. presets: (bank, program) of those
    that `choose` may be asked for later, as far as the soundfonts have them. What sounds.json knows of them is not
    measured, and they are read when they are chosen; others are read and measured now. trusts_table: whether it is
    asked.

    A message takes effect at the first multiple of 64 samples not yet rendered when it was sent, so the
    sound depends only on what was sent at which sample, never on how `render` is cut into calls.
    Raises SynthUnavailable in one line when the library, a soundfont or a part's program is missing.
    """

    def __init__(
        self,
        soundfonts: Path | Sequence[Path],
        sample_rate: int,
        parts: Sequence[PartVoice],
        presets: Sequence[Number] = (),
        trusts_table: bool = True,
        first: Mapping[str, Number] | None = None,
    ) -> None:
        """first: part -> preset that it plays from the beginning, where there is one: its own is not read then."""
        self.parts = tuple(parts)
        self.sample_rate = sample_rate
        self._index = {part.name: i for i, part in enumerate(self.parts)}
        self._synth: Handle = None
        self._lib = _library()
        self._first = dict(first or {})
        self._open((soundfonts,) if isinstance(soundfonts, Path) else tuple(soundfonts))
        self._buffer = np.zeros((len(self.parts), 2, MAX_RENDER), np.float32)
        self._pointers = _row_pointers(self._buffer)
        self._carry = np.zeros((len(self.parts), 2, BLOCK), np.float32)
        self._carried = 0
        self._gain = np.stack([_stereo_gain(part) for part in self.parts])
        self._attack, self._held = (int(s * sample_rate) // BLOCK * BLOCK for s in (ATTACK_S, HELD_S))  # samples
        self._measured: dict[Number, Measured] = self._measure(presets, trusts_table)

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
        return self._measured[self._chosen[self._index[part]]].lead_in_s(key, velocity)

    def note_lufs(self, part: str, keys: Sequence[int], velocity: int) -> float:
        """LUFS of one note of a part, without its gain, as a mean over these keys; -70 for silence."""
        return self._measured[self._chosen[self._index[part]]].lufs(tuple(keys), velocity)

    def has(self, number: Number) -> bool:
        """Whether `choose` may be asked for this (bank, program)."""
        return number in self._measured

    def font_of(self, number: Number) -> Path:
        """Return the soundfont that plays a preset that `has` knows."""
        return self._font_of[number][1]

    def is_loaded(self, number: Number) -> bool:
        """Whether a preset is in memory, so that to choose it reads nothing."""
        return number in self._pinned

    def load(self, number: Number) -> None:
        """Read a preset that `has` knows into memory; see `choose`."""
        self._pin(number)

    def forget_unused(self) -> None:
        """Give back the memory of presets that no part plays."""
        for number in self._pinned - set(self._chosen):
            self._lib.fluid_synth_unpin_preset(self._synth, self._font_of[number][0], *number)
            self._pinned.discard(number)

    def measured(self, number: Number) -> Measured:
        """What is known of a preset that `has` knows."""
        return self._measured[number]

    def choose(self, part: str, number: Number) -> None:
        """Play a part with another preset, one that `has` knows, from the next block on; what sounds rings out.

        One that is not loaded is read, up to a quarter of a second, or, where another Synth of this process has read
        it, taken over within a millisecond.
        """
        index = self._index[part]
        if self._chosen[index] != number:
            self._chosen[index] = number
            self._pin(number)
            self._select(index, number)

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

    def _open(self, soundfonts: tuple[Path, ...]) -> None:
        lib = self._lib
        for soundfont in soundfonts:
            if not soundfont.is_file():
                raise SynthUnavailable(f"no soundfont at {soundfont}; set paths.soundfont to an .sf2 or .sf3 file")
            if not lib.fluid_is_soundfont(str(soundfont).encode()):
                raise SynthUnavailable(_UNREADABLE.format(soundfont))
        self._settings = lib.new_fluid_settings()
        for name, value in (SETTINGS_INT | _per_part_settings(len(self.parts))).items():
            lib.fluid_settings_setint(self._settings, name, value)
        lib.fluid_settings_setnum(self._settings, b"synth.sample-rate", float(self.sample_rate))
        lib.fluid_settings_setnum(self._settings, b"synth.gain", 0.5)
        self._synth = lib.new_fluid_synth(self._settings)
        self._fonts: list[tuple[int, Path]] = []
        for soundfont in soundfonts:
            with quiet_stderr():  # its DLS loader, tried on a truncated file, prints
                font = lib.fluid_synth_sfload(self._synth, str(soundfont).encode(), 0)
            if font < 0:
                self.close()
                raise SynthUnavailable(_UNREADABLE.format(soundfont))
            self._fonts.append((font, soundfont))
        self._font_of: dict[Number, tuple[int, Path]] = {}
        self._pinned: set[Number] = set()  # loaded for as long as they are in here
        for part in self.parts:
            if not self._find(_sound_of(part)):
                self.close()
                raise SynthUnavailable(
                    f"{soundfonts[0].name} has no program {part.program} in bank {part.bank} (part {part.name}); "
                    "choose another program or a fuller soundfont"
                )
        begins = [self._first.get(part.name, _sound_of(part)) for part in self.parts]
        self._chosen = [
            one if self._pin(one) else _sound_of(part) for one, part in zip(begins, self.parts, strict=True)
        ]
        self._select_programs()

    def _pin(self, number: Number) -> bool:
        """Load a preset's samples and keep them; return whether a soundfont has it."""
        if number not in self._pinned and self._find(number):
            if self._lib.fluid_synth_pin_preset(self._synth, self._font_of[number][0], *number) != 0:
                return False
            self._pinned.add(number)
        return number in self._pinned

    def _find(self, number: Number) -> bool:
        """Return whether a soundfont has a preset; nothing is loaded."""
        lib = self._lib
        for font, path in self._fonts if number not in self._font_of else ():
            if lib.fluid_sfont_get_preset(lib.fluid_synth_get_sfont_by_id(self._synth, font), *number):
                self._font_of[number] = (font, path)
                break
        return number in self._font_of

    def _select_programs(self) -> None:
        for i, number in enumerate(self._chosen):
            self._pin(number)
            self._select(i, number)

    def _select(self, index: int, number: Number) -> None:
        self._lib.fluid_synth_set_channel_type(self._synth, index, int(number[0] == DRUM_BANK))
        self._lib.fluid_synth_program_select(self._synth, index, self._font_of[number][0], *number)

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

    def _measure(self, presets: Sequence[Number], trusts_table: bool) -> dict[Number, Measured]:
        """Return what is known of every preset; the others are played once, key by key, one a part at a time."""
        wanted = [n for n in dict.fromkeys((*map(_sound_of, self.parts), *presets)) if self._find(n)]
        tables = {path: known(path) if trusts_table else {} for _, path in self._fonts}
        found = {n: tables[self._font_of[n][1]][n] for n in wanted if n in tables[self._font_of[n][1]]}
        unknown = [n for n in wanted if n not in found and self._pin(n)]
        for at in range(0, len(unknown), len(self.parts)):
            found |= self._played(unknown[at : at + len(self.parts)])
        if unknown:
            self._lib.fluid_synth_system_reset(self._synth)
            self._select_programs()  # the reset makes every part a piano
        return found

    def _played(self, numbers: Sequence[Number]) -> dict[Number, Measured]:
        found = {number: Measured.of(number) for number in numbers}
        for i, number in enumerate(numbers):
            self._select(i, number)
        for v, velocity in enumerate(PROBE_VELOCITIES):
            for k in range(max(len(one.keys) for one in found.values())):
                probed = [(n, i, int(found[n].keys[k])) for i, n in enumerate(numbers) if k < len(found[n].keys)]
                for (number, _, _), sound in zip(probed, self._probe(probed, velocity), strict=True):
                    found[number].lead_s[v, k] = lead_in_of(sound[: self._attack], self.sample_rate)
                    if velocity in LOUD_VELOCITIES:
                        heard = sound[: self._attack] if number[0] == DRUM_BANK else sound
                        found[number].power[LOUD_VELOCITIES.index(velocity), k] = k_mean_square(heard, self.sample_rate)
        return found

    def _probe(self, probed: list[tuple[Number, int, int]], velocity: int) -> list[NDArray[np.float32]]:
        """Play one note a preset; return its first HELD_S, or ATTACK_S where no more is asked for."""
        for _, i, key in probed:
            self._lib.fluid_synth_noteon(self._synth, i, key, velocity)
        whole = velocity in LOUD_VELOCITIES and any(number[0] != DRUM_BANK for number, _, _ in probed)
        left, pieces = self._held if whole else self._attack, []
        while left:
            n = min(left, MAX_RENDER)
            sound = self.render_raw(n)
            pieces.append(np.stack([sound[i].mean(0) for _, i, _ in probed]))
            left -= n
        self.all_off()
        self.render_raw(BLOCK)
        return list(np.concatenate(pieces, axis=1))


def _sound_of(part: PartVoice) -> Number:
    return part.bank, part.program


def _stereo_gain(part: PartVoice) -> NDArray[np.float32]:
    gain = 10 ** (part.gain_db / 20)
    return np.array([[gain * min(1, 1 - part.pan), gain * min(1, 1 + part.pan)]], np.float32)


def _per_part_settings(n_parts: int) -> dict[bytes, int]:
    stereo = {b"synth.audio-channels": n_parts, b"synth.audio-groups": n_parts}
    return stereo | {b"synth.midi-channels": -(-n_parts // 16) * 16}


def _row_pointers(buffer: Stems) -> tuple[Pointers, Pointers]:
    rows = [[buffer[i, side].ctypes.data for i in range(len(buffer))] for side in (0, 1)]
    left, right = ((c_void_p * len(buffer))(*row) for row in rows)
    return left, right


def _library() -> FluidSynth:
    """The pyfluidsynth module, with the calls it lacks added and the library's own printing turned off."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where it found the library when CI is set
            import fluidsynth
    except (ImportError, OSError) as error:
        raise SynthUnavailable(
            f"FluidSynth cannot be loaded ({error}); on Debian: apt install libfluidsynth3, pip install pyfluidsynth"
        ) from error
    if "fluid_synth_nwrite_float" not in vars(fluidsynth):
        for name, kinds in _LACKING.items():
            arguments = [(f"a{i}", kind, 1) for i, kind in enumerate(kinds)]
            gives = c_void_p if name in _GIVE_POINTERS else c_int
            setattr(fluidsynth, name, fluidsynth.cfunc(name, gives, *arguments))
        for level in range(5):
            fluidsynth.fluid_set_log_function(level, None, None)
    loaded: FluidSynth = fluidsynth
    return loaded


_UNREADABLE = "{} is not a soundfont FluidSynth can read; try another .sf2 or .sf3"
_LACKING: dict[str, tuple[type[c_void_p | c_int | c_char_p], ...]] = {
    "fluid_synth_nwrite_float": (c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_void_p),
    "fluid_synth_get_active_voice_count": (c_void_p,),
    "fluid_is_soundfont": (c_char_p,),
    "fluid_synth_set_channel_type": (c_void_p, c_int, c_int),
    "fluid_synth_key_pressure": (c_void_p, c_int, c_int, c_int),
    "fluid_synth_channel_pressure": (c_void_p, c_int, c_int),
    "fluid_synth_pin_preset": (c_void_p, c_int, c_int, c_int),
    "fluid_synth_unpin_preset": (c_void_p, c_int, c_int, c_int),
    "fluid_synth_get_sfont_by_id": (c_void_p, c_int),
    "fluid_sfont_get_preset": (c_void_p, c_int, c_int),
    "fluid_set_log_function": (c_int, c_void_p, c_void_p),
}
_GIVE_POINTERS = ("fluid_synth_get_sfont_by_id", "fluid_sfont_get_preset")
Action = Callable[[FluidSynth, int, int, int, int], int]  # library, synth, channel, data 1, data 2
_ACTIONS: dict[int, Action] = {  # by status
    NOTE_OFF: lambda lib, s, ch, a, b: lib.fluid_synth_noteoff(s, ch, a),
    NOTE_ON: lambda lib, s, ch, a, b: lib.fluid_synth_noteon(s, ch, a, b),  # velocity 0 is a note-off there, too
    0xA0: lambda lib, s, ch, a, b: lib.fluid_synth_key_pressure(s, ch, a, b),
    CONTROL: lambda lib, s, ch, a, b: lib.fluid_synth_cc(s, ch, a, b),
    PROGRAM: lambda lib, s, ch, a, b: lib.fluid_synth_program_change(s, ch, a),
    0xD0: lambda lib, s, ch, a, b: lib.fluid_synth_channel_pressure(s, ch, a),
    0xE0: lambda lib, s, ch, a, b: lib.fluid_synth_pitch_bend(s, ch, a | b << 7),
}
