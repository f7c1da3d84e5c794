"""Runs `antiphon doctor`, which checks this machine for `antiphon jam`: a green, yellow or red line per check."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agent.core.config import find, load
from agent.core.errors import GET_TRAINING, UserError
from agent.core.os_process import may_be_realtime
from agent.core.settings import Config

GREEN, YELLOW, RED = "green", "yellow", "red"  # works; works with something missing; jam cannot run
MARKS: Mapping[str, str] = {GREEN: "ok  ", YELLOW: "warn", RED: "FAIL"}
PYTHON_LEAST = (3, 11)
DISK_LEAST_BYTES = {RED: 100 * 2**20, YELLOW: 2**30}  # a session takes about 50 MB a minute
SYNTH_RATE = 48_000
INSTALL = "pip install -e . (or: make)"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the result. level: GREEN, YELLOW or RED; hint: what to try, where something is wrong."""

    level: str
    name: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """A Python package: its distribution, the module to import, and the level when it is missing."""

    distribution: str
    module: str
    without: str = RED
    hint: str = INSTALL


LIBRARIES = (
    Library("numpy", "numpy"),
    Library("scipy", "scipy.signal"),
    Library("numba", "numba"),
    Library("soundfile", "soundfile"),
    Library("safetensors", "safetensors"),
    Library("mido", "mido"),
    Library("rich", "rich"),
    Library("PyYAML", "yaml"),
    Library("torch", "torch", YELLOW, f"only learning from your music and `codes --check` need it: {GET_TRAINING}"),
    Library("matplotlib", "matplotlib", YELLOW, "without it there is no pianoroll.png; " + INSTALL),
)


def run(config_path: Path | None = None, console: Console | None = None) -> int:
    """Print every check; return 0 when jam can run, else 1. Never raises."""
    console = console or Console(highlight=False)
    failed = 0
    for check in checks(config_path):
        failed += check.level == RED
        console.print(_line(check), soft_wrap=True)
    console.print(_verdict(failed), soft_wrap=True)
    return 1 if failed else 0


def checks(config_path: Path | None = None) -> Iterator[Check]:
    """Every check in turn. What the config names is looked at; an unusable config is itself a red line."""
    yield _python()
    config, check = _config(config_path)
    yield check
    for name, examine in EXAMINATIONS.items():
        try:
            yield from examine(config)
        except Exception as error:  # a broken library may raise anything; that is what is being asked
            yield Check(RED, name, _one_line(error), INSTALL)


def _line(check: Check) -> Text:
    hint = f"  -> {check.hint}" if check.hint and check.level != GREEN else ""
    return Text.assemble((MARKS[check.level], f"bold {check.level}"), f"  {check.name:14} {check.text}", (hint, "dim"))


def _verdict(failed: int) -> Text:
    if failed:
        return Text(f"antiphon jam cannot run: {failed} red line{'s' if failed > 1 else ''} above", style=RED)
    return Text("antiphon jam can run", style=GREEN)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _python() -> Check:
    version = sys.version.split()[0]
    level = GREEN if sys.version_info >= PYTHON_LEAST else RED
    return Check(level, "Python", f"{version} ({sys.executable})", "Python 3.11 or newer is needed")


def _config(path: Path | None) -> tuple[Config, Check]:
    try:
        file = find(path)
        return load(path), Check(GREEN, "config", str(file) if file else "no config.yaml here: the defaults apply")
    except UserError as error:
        return Config(), Check(RED, "config", str(error), "correct the file or give another with --config")


def _libraries(_: Config) -> Iterator[Check]:
    return (_library(library) for library in LIBRARIES)


def _library(library: Library) -> Check:
    try:
        importlib.import_module(library.module)
        return Check(GREEN, library.distribution, metadata.version(library.distribution))
    except Exception as error:  # ImportError, OSError of a missing .so, whatever a broken install raises
        return Check(library.without, library.distribution, _one_line(error), library.hint)


def _encodec(_: Config) -> Iterator[Check]:
    from models.codec.torchaudio_shim import import_encodec

    if importlib.util.find_spec("encodec") is None:
        yield Check(YELLOW, "encodec", "not installed", f"only its official weights need it: {GET_TRAINING}")
        return
    import_encodec()
    yield Check(GREEN, "encodec", f"{metadata.version('encodec')} with torchaudio {metadata.version('torchaudio')}")


def _weights(config: Config) -> Iterator[Check]:
    from models.paths import WEIGHTS
    from models.responder.responder import named

    yield _weight("responder weights", named(config.models.responder))
    if config.models.codec_enabled:
        yield _codec_weights(config.models.codec, WEIGHTS / "codec")


def _codec_weights(choice: str | None, shipped: Path) -> Check:
    """A stem of ours, or the official file, against its hash."""
    from models.codec.official import check_hash, is_official, weights_file

    if not is_official(choice):
        return _weight("codec weights", Path(choice or shipped))
    path = weights_file(choice)
    try:
        sha256 = check_hash(path, path.read_bytes())
    except OSError as error:
        return Check(RED, "codec weights", f"{path}: {error.strerror}", "antiphon weights fetch encodec")
    except ValueError as error:
        return Check(RED, "codec weights", _one_line(error))
    return Check(GREEN, "codec weights", f"sha256 {sha256[:12]}  {path} (official EnCodec 24 kHz)")


def _weight(name: str, stem: Path) -> Check:
    """The SHA-256 of stem.safetensors against the one in stem.json."""
    hint = "git checkout models/weights, or make train"
    try:
        said = json.loads(stem.with_name(stem.name + ".json").read_text())["sha256"]
        found = hashlib.sha256(stem.with_name(stem.name + ".safetensors").read_bytes()).hexdigest()
    except OSError as error:
        return Check(RED, name, f"{error.filename}: {error.strerror}", hint)
    except (ValueError, KeyError, TypeError) as error:
        return Check(RED, name, f"{stem}.json is damaged ({_one_line(error)})", hint)
    if found != said:
        return Check(RED, name, f"{stem}.safetensors has SHA-256 {found[:12]}, {str(said)[:12]} was expected", hint)
    return Check(GREEN, name, f"sha256 {found[:12]}  {stem}.safetensors")


def _mind(config: Config) -> Iterator[Check]:
    from agent.mind.mind import Mind

    codec = Mind(config).codec
    hears = f"codec ({codec.kbps:g} kbps, {codec.n_codebooks} x {codec.bins})" if codec else "no codec (switched off)"
    yield Check(GREEN, "models", f"listener, {hears} and responder load")


def _synth(config: Config) -> Iterator[Check]:
    from agent.audio.mixed_synth import open_synth
    from agent.core.paths import shipped_fonts
    from agent.sounds.font_choice import chosen_font

    synth, why = open_synth(config, SYNTH_RATE)
    if synth is None:
        level = RED if config.midi.port is None else YELLOW
        yield Check(level, "FluidSynth", why, "apt install libfluidsynth3, or play over MIDI: --midi PORT --no-audio")
        return
    synth.close()
    if why:
        yield Check(YELLOW, "FluidSynth", why, "set paths.soundfont to an .sf2 or .sf3 file, or leave it out")
        return
    own = chosen_font(config.paths)
    fonts = [own] if own else list(shipped_fonts())
    size = f"{sum(font.stat().st_size for font in fonts) / 1e6:.1f} MB"
    version = f"pyfluidsynth {metadata.version('pyfluidsynth')}"
    yield Check(GREEN, "FluidSynth", f"{version} plays every part from {' and '.join(map(str, fonts))} ({size})")


def _midi(config: Config) -> Iterator[Check]:
    from agent.audio.device_list import midi_apis

    apis = midi_apis()
    working = [f"{api.name} ({len(api.outputs)} outputs)" for api in apis if not api.error]
    broken = [f"{api.name}: {api.error}" for api in apis if api.error]
    wanted = RED if config.midi.port is not None else YELLOW
    hint = "only needed for --midi: load the snd-seq module or start JACK"
    text = f"python-rtmidi {metadata.version('python-rtmidi')}: " + (
        "; ".join([*working, *broken]) or "no API compiled in"
    )
    yield Check(GREEN if working else wanted, "RtMidi", text, hint)


def _audio(config: Config) -> Iterator[Check]:
    from agent.audio.device_list import audio_devices, find_card

    try:
        devices = audio_devices()
        yield Check(GREEN, "PortAudio", f"sounddevice {metadata.version('sounddevice')}, {len(devices)} audio devices")
    except UserError as error:
        yield Check(YELLOW, "PortAudio", str(error))
    try:
        card = find_card(config.audio, wants_input=True)
    except UserError as error:
        yield Check(RED, "sound card", str(error), "see antiphon devices")
        return
    name = card.input_name if card else ""
    yield _side("microphone", name, "no microphone: jam plays the included bass take instead")
    yield _side(
        "loudspeaker", card.output_name if card else "", "none or switched off: the band is recorded, not heard"
    )


def _side(name: str, device: str, without: str) -> Check:
    return Check(GREEN, name, device) if device else Check(YELLOW, name, without, "see antiphon devices")


def _folder(config: Config) -> Iterator[Check]:
    """Writable, and enough room on its disk; a folder that is not there yet is made at the first session."""
    folder = Path(config.paths.sessions).absolute()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        why = f"{folder}: cannot write ({error.strerror})"
        yield Check(RED, "sessions", why, "set paths.sessions or give --out DIR")
        return
    free = shutil.disk_usage(nearest).free
    level = next((level for level, least in DISK_LEAST_BYTES.items() if free < least), GREEN)
    yield Check(level, "sessions", f"{folder}, {free / 2**30:.1f} GB free", "make room or set paths.sessions")


def _realtime(_: Config) -> Iterator[Check]:
    if not hasattr(os, "sched_setscheduler"):  # not Linux: no such limits
        return
    granted = may_be_realtime()
    text = "a real-time priority is granted" if granted else "no real-time priority is granted"
    level, mend = GREEN if granted else YELLOW, "allow rtprio in /etc/security/limits.d (group audio) against drop-outs"
    yield Check(level, "real time", text, mend)


EXAMINATIONS: Mapping[str, Callable[[Config], Iterable[Check]]] = {
    "libraries": _libraries,
    "encodec": _encodec,
    "weights": _weights,
    "models": _mind,
    "FluidSynth": _synth,
    "RtMidi": _midi,
    "sound card": _audio,
    "sessions": _folder,
    "real time": _realtime,
}
