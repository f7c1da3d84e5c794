"""Chooses the sound card, sample rate and input file of a session, once, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path

from agent.audio import device_list
from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.core.settings import Config
from agent.midi.bass_input import check_port, port_of
from listener.capture import AudioFile, AudioFileError
from listener.types import KeyPress

TAKE = "take.flac"
SYNTH_RATES = (22_050, 96_000)  # Hz, what FluidSynth renders at; other files are brought to DEFAULT_RATE
DEFAULT_RATE = 48_000
MIDI_SUFFIXES = frozenset({".mid", ".midi"})
SOUND_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".w64", ".caf", ".au", ".opus"})
RINGS_S = 2.0  # after the last note of a MIDI file
GETTING_READY = "; getting ready takes some seconds, the very first time up to a minute"  # of compiling


@dataclass(frozen=True, slots=True)
class Setup:
    """The devices of a session.

    take: the file that is played instead of a microphone. output_channels: 0 = no sound card is played to. channel: of
    the input, counted from 0; None = the mean of all.
    """

    rate: int
    input_device: int | None
    input_channels: int
    output_device: int | None
    output_channels: int
    take: Path | None
    channel: int | None
    says: str  # one line for the player
    waits: bool = False  # the card is not there yet: the session begins without it
    presses: tuple[KeyPress, ...] | None = None  # of a take that is a MIDI file
    silence_s: float | None = None  # no sound comes in: how long the stream is silent (without end: infinity)
    imagined: bool = False  # nobody plays: the bass is the band's own
    loops: bool = False  # nobody need play: a riff that was recorded loops

    @property
    def ring_channel(self) -> int | None:
        """The ring's channel that holds the bass, from 0; None for a file, which was mixed to one channel before."""
        return self.channel if self.take is None else None

    @property
    def hears_midi(self) -> bool:
        """Whether the bass comes as MIDI, from a port or a file."""
        return self.silence_s is not None and not self.imagined and not self.loops


def looks_like_file(given: str) -> bool:
    """Whether --input names a file and not a device."""
    if port_of(given) is not None:
        return False
    return Path(given).suffix.lower() in MIDI_SUFFIXES | SOUND_SUFFIXES or "/" in given or Path(given).exists()


def choose(config: Config, take: Path | None, fast: bool = False, waits: bool = False) -> Setup:
    """Choose what to play on. Raises UserError for a device or file that is not there.

    Without a file and without a microphone the take that ships is played in its place; with waits=True the microphone
    is waited for instead, whether it was named or not, and a card that is there may go and come back.
    """
    port = port_of(config.audio.input) if take is None else None
    if port is not None:
        return _with_midi(config, port, waits)
    says = ""
    card = None if fast else _card(config, take, waits)
    if take is None and (card is None or card.input_device is None):
        if waits:
            return waiting(config)
        take = shipped(TAKE)
        says = f"no microphone found: playing {take.name}, the included bass take, in real time instead"
        card = None if fast else device_list.find_card(config.audio, wants_input=False)
    presses = _presses(take) if take and take.suffix.lower() in MIDI_SUFFIXES else None
    channel = config.audio.input_channel - 1 if config.audio.input_channel and presses is None else None
    rate = _rate(config, card, take if presses is None else None, channel)
    output = card if card and card.output_device is not None and config.audio.output_enabled else None
    return Setup(
        rate=rate,
        input_device=card.input_device if card else None,
        input_channels=card.input_channels if card and take is None else 1,
        output_device=output.output_device if output else None,
        output_channels=output.output_channels if output else 0,
        take=take,
        channel=channel,
        says=says or _described(take, card),
        waits=waits,
        presses=presses,
        silence_s=presses[-1].time_s + RINGS_S if presses else None,
    )


def for_mood(config: Config, seconds: float | None, fast: bool) -> Setup:
    """Make the setup for music that nobody plays. seconds: how long, None = without end. The microphone is opened only
    where the room's loudness counts. Raises UserError for a device that is not there."""
    hears = config.mood.room > 0 and not fast and seconds is None
    card = None if fast else device_list.find_card(config.audio, wants_input=hears)
    output = card if card and card.output_device is not None and config.audio.output_enabled else None
    listens = hears and card is not None and card.input_device is not None
    says = f"playing {config.mood.words}" + (f" to {output.output_name}" if output else "")
    return Setup(
        rate=_rate(config, card, None, None),
        input_device=card.input_device if card and listens else None,
        input_channels=card.input_channels if card and listens else 1,
        output_device=output.output_device if output else None,
        output_channels=output.output_channels if output else 0,
        take=Path("mood") if fast else None,
        channel=None,
        says=says + (", hearing the room" if listens else "") + ("" if fast else GETTING_READY),
        silence_s=None if listens else (inf if seconds is None else seconds),
        imagined=True,
    )


def for_riff(config: Config, riff: Path) -> Setup:
    """Make the setup for a session that begins with a recorded riff: the microphone is heard where there is one.

    Raises UserError without a loudspeaker.
    """
    try:
        card = device_list.find_card(config.audio, wants_input=True)
    except UserError:
        card = None
    card = card or device_list.find_card(config.audio, wants_input=False)
    if card is None or card.output_device is None or not config.audio.output_enabled:
        raise UserError("no loudspeaker: a riff is looped where it can be heard; leave --play out")
    listens, channel = card.input_device is not None, config.audio.input_channel
    return Setup(
        rate=_rate(config, card, None, None),
        input_device=card.input_device,
        input_channels=card.input_channels if listens else 1,
        output_device=card.output_device,
        output_channels=card.output_channels,
        take=None,
        channel=channel - 1 if channel and listens else None,
        says=f"{_described(None, card) if listens else f'playing to {card.output_name}'}, looping {riff.name}",
        silence_s=None if listens else inf,
        loops=True,
    )


def _presses(take: Path) -> tuple[KeyPress, ...]:
    """Return the bass of a MIDI file. Raises UserError."""
    from models.music.bass_presses import presses_of  # the MIDI reader is heavy, and few sessions need it
    from models.music.midi_reader import Unusable

    try:
        return presses_of(take)
    except Unusable as cause:
        raise UserError(str(cause)) from None


def _with_midi(config: Config, port: str, waits: bool) -> Setup:
    """Make the setup for a bass on a MIDI port. Raises UserError for a port that is not there, unless waits."""
    if not waits:
        check_port(port, config.midi.api)
    card = device_list.find_card(config.audio, wants_input=False)
    output = card if card and card.output_device is not None and config.audio.output_enabled else None
    return Setup(
        rate=_rate(config, card, None, None),
        input_device=None,
        input_channels=1,
        output_device=output.output_device if output else None,
        output_channels=output.output_channels if output else 0,
        take=None,
        channel=None,
        says=f"hearing the bass on the MIDI input {port}" + (f", playing to {output.output_name}" if output else ""),
        waits=waits and output is not None,
        silence_s=inf,
    )


def waiting(config: Config) -> Setup:
    """Make a setup for a card that has not appeared yet: stereo both ways (a mono card is heard on both sides), at
    audio.sample_rate or DEFAULT_RATE, which the card is asked for when it comes."""
    wanted = config.audio.input_channel
    return Setup(
        rate=config.audio.sample_rate or DEFAULT_RATE,
        input_device=None,
        input_channels=wanted or device_list.STEREO,
        output_device=None,
        output_channels=device_list.STEREO if config.audio.output_enabled else 0,
        take=None,
        channel=wanted - 1 if wanted else None,
        says=f"waiting for the microphone {config.audio.input or ''}".rstrip(),
        waits=True,
    )


def _card(config: Config, take: Path | None, waits: bool) -> device_list.Card | None:
    try:
        return device_list.find_card(config.audio, wants_input=take is None)
    except UserError:
        if waits and take is None:
            return None  # what was named is not there yet
        raise


def cancels_echo(config: Config, setup: Setup) -> bool:
    """Return whether the band's sound is removed from the microphone's.

    It is where there is a microphone and the band plays through a sound card; with echo_cancel auto not where the bass
    is played back, too: the echo canceller would remove the bass as well.
    """
    wanted = {"on": True, "off": False, "auto": config.audio.monitor_input != "on"}[config.audio.echo_cancel]
    return wanted and setup.take is None and setup.silence_s is None and setup.output_channels > 0


def _rate(config: Config, card: device_list.Card | None, take: Path | None, channel: int | None) -> int:
    if take is not None:
        try:
            sound = AudioFile(take, channel=channel)
        except AudioFileError as cause:
            raise UserError(str(cause)) from None
    own_rate = sound.file_rate if take is not None else DEFAULT_RATE
    rate = config.audio.sample_rate or (card.rate if card else own_rate)
    if take is not None and card is None and not SYNTH_RATES[0] <= rate <= SYNTH_RATES[1]:
        return DEFAULT_RATE
    return rate


def _described(take: Path | None, card: device_list.Card | None) -> str:
    if take is not None:
        return f"playing {take}" + (f" through {card.output_name}" if card and card.output_device is not None else "")
    if card is None:
        return "listening to nothing"
    return f"listening to {card.input_name}" + (
        f", playing to {card.output_name}" if card.output_device is not None else ""
    )
