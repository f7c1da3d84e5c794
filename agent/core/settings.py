"""Defines every setting of config.yaml: frozen dataclasses, each key with its default and range.

agent/core/config.py reads the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from listener.names import STYLES as STYLES

MODES = ("accompany", "trade", "loop", "listen")
T = TypeVar("T")
METERS = ("2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "11/8", "12/8")  # those listener.hints knows
TEMPO_BPM = (40.0, 480.0)


def _between(default: T, low: float, high: float) -> T:
    return field(default=default, metadata={"low": low, "high": high})


def _one_of(default: str, *choices: str) -> str:
    return field(default=default, metadata={"choices": choices})


def _choice_or_none(*choices: str) -> str | None:
    return field(default=None, metadata={"choices": choices})


def _path(default: T) -> T:
    return field(default=default, metadata={"path": True})


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """Settings of the sound card. input, output: part of a device's name, its number, or None = the default device."""

    input: str | int | None = None
    output: str | int | None = None
    sample_rate: int | None = _between(None, 8_000, 384_000)  # Hz, None = the device's own
    block_samples: int = _between(128, 16, 8_192)
    input_channel: int | None = _between(None, 1, 256)  # counted from 1, None = found by ear
    output_enabled: bool = True
    monitor_input: str = _one_of("auto", "auto", "on", "off")
    echo_cancel: str = _one_of("auto", "auto", "on", "off")  # takes the band out of the microphone
    output_lead_blocks: int = _between(4, 1, 256)
    output_latency_ms: float | None = _between(None, -500, 2_000)  # added to what the device reports; None = calibrated


@dataclass(frozen=True, slots=True)
class MidiConfig:
    """Settings of MIDI. port: part of an output's name, its number, `virtual` or `virtual:NAME`; None = no MIDI."""

    port: str | int | None = None
    api: str = _one_of("auto", "auto", "alsa", "jack", "core", "windows")
    # how late the instrument at the port sounds; None = calibrated
    latency_ms: float | None = _between(None, -500, 2_000)
    input: str | int | None = None  # pedals, buttons and MIDI clock come in here; named as port is

    @property
    def named_api(self) -> str | None:
        """Return the MIDI system that is asked for by name; None = the first that has ports."""
        return None if self.api == "auto" else self.api


@dataclass(frozen=True, slots=True)
class PartConfig:
    """Settings of one part of the band. channel: 1-16, as on instruments; program: 0-127, as sent."""

    channel: int = _between(1, 1, 16)
    bank: int = _between(0, 0, 16_383)
    program: int = _between(0, 0, 127)
    note_map: dict[int, int] = field(default_factory=dict, metadata={"low": 0, "high": 127})
    transpose: int = _between(0, -48, 48)  # semitones
    velocity_curve: float = _between(1.0, 0.1, 5.0)  # velocity = 127 * (velocity / 127) ** curve
    sound: str | None = None  # an instrument of `antiphon sounds list`; None = the program, else as the style asks
    gain_db: float = _between(0.0, -60, 24)
    pan: float = _between(0.0, -1, 1)  # -1 left, 1 right
    enabled: bool = True

    @property
    def channel_index(self) -> int:
        """The channel as it is sent in a MIDI status byte, 0-15."""
        return self.channel - 1


DEFAULT_PARTS: Mapping[str, PartConfig] = {
    "drums": PartConfig(channel=10),
    "chords": PartConfig(channel=2, program=0, pan=-0.35),
    "line": PartConfig(channel=3, program=11, pan=0.35),
}
OWN_BASS = "own_bass"  # the part that plays the bass where nobody does (agent/mood)


@dataclass(frozen=True, slots=True)
class BandConfig:
    """Settings of how the band plays along, when it comes in, how far it plans ahead and what it does in rests."""

    mode: str = _one_of("accompany", *MODES)
    trade_bars: int = _between(4, 1, 32)  # in mode trade: bars you play, then bars it plays
    loop_bars: int = _between(4, 1, 64)  # in mode loop: bars of your riff that are recorded
    enter_confidence: float = _between(0.53, 0, 1)
    commit_ms: float | None = _between(None, 10, 5_000)  # None = from the measured time of planning
    lookahead_bars: int = _between(2, 1, 16)
    hold_bars: int = _between(2, 0, 64)
    thin_bars: int = _between(2, 0, 64)
    max_wait_bars: int = _between(2, 1, 256)
    temperature: float = _between(0.9, 0.01, 5)
    looseness: float = _between(0.6, 0, 2)
    imagine: bool = True  # the responder imagines grooves beside the played ones
    behind_ms: float = _between(0.0, -100, 100)  # how far behind the beat the band is asked to play
    tempo_bpm: float | None = _between(None, *TEMPO_BPM)  # given beforehand, in beats of the meter; None = heard
    meter: str | None = _choice_or_none(*METERS)
    seed: int = _between(0, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class DialsConfig:
    """The dials of the band's music, 0 to 1 (models/music/dials.py); None = the model decides.

    guidance: how strongly the dials act.
    """

    density: float | None = _between(None, 0, 1)
    register: float | None = _between(None, 0, 1)
    tension: float | None = _between(None, 0, 1)
    resolution: float | None = _between(None, 0, 1)
    syncopation: float | None = _between(None, 0, 1)
    intensity: float | None = _between(None, 0, 1)
    surprise: float | None = _between(None, 0, 1)
    style: str | None = _choice_or_none(*STYLES)
    guidance: float = _between(3.0, 0, 5)


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """Settings of playing with other machines. source: whose beat is followed; ears = the player's."""

    source: str = _one_of("ears", "ears", "midi", "link")
    clock_out: bool = False  # MIDI clock, start, stop and song position to midi.port
    link: bool = False  # join an Ableton Link session and give it the band's beat
    partner: str | None = None  # the MIDI port of another Antiphon that plays along
    turns: int = _between(0, 0, 32)  # bars after which the two take turns, as the one that leads says; 0 = both play


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """Settings of the models' weights: path stems (without .safetensors / .json); None = what ships in models/weights.

    codec may also be `encodec`, the official weights where `antiphon weights fetch` puts them, or their .th file.
    """

    codec: str | None = _path(None)
    codec_kbps: float = _between(3.0, 0.75, 24)  # 0.75 for each codebook in use
    responder: str | None = _path(None)
    adapter: str | None = _path(None)  # path stem; None = the one trained for conversation.player
    codec_enabled: bool = True


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Settings of the remote, the page for a phone (agent/web).

    enabled: whether the daemon serves it. host: address to listen at; 0.0.0.0 = the whole network. name: for
    http://NAME.local. certificate, key: PEM files for TLS; None = none. osc_port: UDP port for OSC; None = none.
    osc_allowed: addresses that may send OSC besides this machine, commas between.
    """

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = _between(8765, 1, 65_535)
    name: str = "antiphon"
    certificate: str | None = _path(None)
    key: str | None = _path(None)
    osc_port: int | None = _between(None, 1, 65_535)
    osc_allowed: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationConfig:
    """Settings of talking with the band.

    player: whose taste is learned; guest = nothing is learned or stored. endpoint: URL with /v1 of an
    OpenAI-compatible language model; None = the built-in parser alone (agent/language/parser.py).
    """

    player: str = "player"
    proposals: bool = True  # whether the band proposes ideas unasked
    half_life_days: float = _between(90.0, 0.1, 10_000)  # after which an old verdict weighs half
    endpoint: str | None = None
    model: str = "local"
    timeout_s: float = _between(2.0, 0.1, 60)  # then the built-in parser answers


KEEP = ("all", "mix", "midi")


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """Settings of what stays of a session in paths.sessions; a folder named with --out keeps everything, as WAV.

    keep: all = every stem; mix = bass and mix; midi = no sound. max_gb, min_free_gb: what all sessions may take,
    and what stays free on the disk (None = no limit). drop_oldest: make room by deleting the oldest unmarked sessions.
    """

    keep: str = _one_of("mix", *KEEP)
    max_gb: float | None = _between(20.0, 0.01, 1_000_000)
    min_free_gb: float | None = _between(1.0, 0, 1_000_000)
    drop_oldest: bool = False


@dataclass(frozen=True, slots=True)
class PathsConfig:
    """Settings of where files are. soundfont None = the one that ships; state None = agent/core/paths.py decides."""

    sessions: str = _path("sessions")
    state: str | None = _path(None)  # measured latencies, learned pedals
    soundfont: str | None = _path(None)
    presets: dict[str, str] = field(
        default_factory=dict, metadata={"texts": "{rhodes: '8:4'}"}
    )  # of that soundfont: instrument -> bank:program


@dataclass(frozen=True, slots=True)
class MoodConfig:
    """Settings of music that nobody plays (`antiphon mood`).

    words: the mood that is asked for, None = somebody plays. room, time_of_day: how far a loud room and the afternoon
    move it to the livelier, a quiet room and the night to the calmer. senses: name -> what it moves and how far, such
    as "arousal 0.6" or "valence 0.4 cc 21": a number from 0 to 1 that comes by `ctl mood NAME N`, or a controller.
    patient: faster than real time; wait for what is not written yet.
    """

    words: str | None = None
    room: float = _between(0.0, 0, 1)
    time_of_day: float = _between(0.0, 0, 1)
    senses: dict[str, str] = field(default_factory=dict, metadata={"texts": "{heart_rate: arousal 0.6 cc 21}"})
    patient: bool = False


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Settings of the log."""

    level: str = _one_of("warning", "debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. The dataclasses' defaults are those that config.yaml states."""

    audio: AudioConfig = AudioConfig()
    midi: MidiConfig = MidiConfig()
    parts: dict[str, PartConfig] = field(default_factory=lambda: dict(DEFAULT_PARTS))
    band: BandConfig = BandConfig()
    dials: DialsConfig = DialsConfig()
    sync: SyncConfig = SyncConfig()
    models: ModelsConfig = ModelsConfig()
    conversation: ConversationConfig = ConversationConfig()
    web: WebConfig = WebConfig()
    recording: RecordingConfig = RecordingConfig()
    paths: PathsConfig = PathsConfig()
    mood: MoodConfig = MoodConfig()
    log: LogConfig = LogConfig()
