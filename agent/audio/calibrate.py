"""Measures latencies where the band will play: the sound card's round trip, and how late a MIDI instrument sounds.

Each measurement is made several times, with the streams and ports the band uses; the median counts. A failed
measurement raises UserError in one line that says what to try.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from agent.audio import device_list
from agent.audio.chirp import CHIRP_S, Arrival, Floats, arrivals, chirp
from agent.audio.latencies import CLICK, LOOP, CardLatency, MidiLatency
from agent.audio.sound_card import XRUNS, Pair, SoundCard, has_own_period
from agent.audio.stream_clock import StreamClock
from agent.core.errors import UserError
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.settings import Config
from agent.midi.input import MidiIn
from agent.midi.output import MidiOutput, open_output
from listener.capture import to_mono
from listener.ring import Ring

LEAD_S, LONGEST_S = 0.5, 0.8  # before the first chirp; the longest round trip that is looked for
CHIRPS, LEVEL_DB = 5, -12.0
SAME_S = 0.0003  # chirps that came back within this of the median agree
SILENT_DB, QUIET_DB = -90.0, -60.0
CLICKS, CLICK_GAP_S, CLICK_LONGEST_S = 12, 0.52, 0.5
NOISE_S, OVER_NOISE, ONSET_SHARE = 0.1, 4.0, 0.1
LOOP_NOTES, LOOP_TIMEOUT_S, LOOP_GAP_S, PORT_S = 40, 0.5, 0.03, 3.0
UNEVEN_S, GOLDEN = 0.032, 0.618034  # in step with no period and no hum; the median is that of all places in a period
SIDE_STICK, VELOCITY = 37, 110
PERIOD_MAX = 8192  # samples that a host may give at once
TICK_S = 0.001


@dataclass(frozen=True, slots=True)
class Click:
    """The note that is sent to the instrument. channel: 0-15, as sent (1-16 on the command line)."""

    channel: int = 9
    key: int = SIDE_STICK


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _uneven_s(number: int) -> float:
    return UNEVEN_S * (GOLDEN * number % 1.0)


# -- the sound card ---------------------------------------------------------------------------------------------


def card_latency(config: Config, chirps: int = CHIRPS, level_db: float = LEVEL_DB) -> CardLatency:
    """Measure the round trip of config.audio's devices with chirps of 1.3 s each. Raises UserError."""
    card = device_list.find_card(config.audio, wants_input=True)
    if card is None or card.input_device is None or card.output_device is None:
        raise UserError("calibrate needs audio.input and audio.output; `antiphon devices` lists what there is")
    rate, block = card.rate, config.audio.block_samples
    starts = [round((LEAD_S + k * (CHIRP_S + LONGEST_S) + _uneven_s(k)) * rate) for k in range(chirps)]
    length = max(starts) + round((CHIRP_S + LONGEST_S) * rate)
    capacity = length + PERIOD_MAX
    heard, played = Ring(capacity, card.input_channels), Ring(capacity, card.output_channels)
    reader, playback = heard.reader(), played.reader()
    played.write(_programme(rate, starts, capacity, card.output_channels, level_db))
    own_period = has_own_period(card.input_api, card.output_api)
    pair = Pair(card.input_device, card.output_device, card.input_channels, card.output_channels, own_period=own_period)
    stream = SoundCard(pair, rate, block, heard, playback)
    try:
        _run(stream, heard, length)
        reported_s = stream.latency.input_s + stream.latency.output_s
    finally:
        stream.close()
    channel = config.audio.input_channel - 1 if config.audio.input_channel else None
    sound, _ = to_mono(reader.read(length), channel)
    found = arrivals(np.asarray(sound, np.float64), rate, starts, LONGEST_S)
    delay, clarity_db = judge(found, rate, int(stream.counts[XRUNS]))
    ms = round(1000 * delay / rate, 3)
    names = (card.input_name, card.output_name)
    return CardLatency(*names, rate, block, delay, ms, round(1000 * reported_s, 3), round(clarity_db, 1), now())


def _programme(rate: int, starts: list[int], length: int, channels: int, level_db: float) -> np.ndarray:
    sound = np.zeros((length, channels), np.float32)
    sweep = chirp(rate) * 10 ** (level_db / 20)
    for at in starts:
        sound[at : at + len(sweep)] = sweep[:, None]
    return sound


def _run(stream: SoundCard, heard: Ring, length: int) -> None:
    """Until `length` samples have come in. Raises UserError when none come."""
    stream.start()
    deadline_s = time.monotonic() + 2 * length / stream.rate + 2.0
    while heard.written < length:
        if time.monotonic() > deadline_s or not stream.alive:
            raise UserError("the sound card delivers no sound; see `antiphon doctor`, or try a larger block_samples")
        time.sleep(0.01)


def judge(found: list[Arrival], rate: int, xruns: int = 0) -> tuple[int, float]:
    """(delay in samples, clarity in dB), medians of the chirps that agree. Raises UserError where too few do."""
    loudest_db = max(one.level_db for one in found)
    if loudest_db < SILENT_DB:
        raise UserError(
            "nothing was heard: connect output to input, or unmute the microphone and hold it to the speaker"
        )
    if any(one.clips for one in found):
        raise UserError("the input clips: turn the input's gain or --level down and measure again")
    middle = int(np.median([one.delay_samples for one in found]))
    agree = [one for one in found if abs(one.delay_samples - middle) <= SAME_S * rate]
    if 2 * len(agree) <= len(found):
        why = (
            "it is very quiet: turn the volume up, or raise --level"
            if loudest_db < QUIET_DB
            else "does the input hear the output?"
        )
        why = f"the sound was interrupted {xruns} times: raise audio.block_samples" if xruns else why
        raise UserError(
            f"the chirp was not found at the input ({len(agree)} of {len(found)} agree, at {loudest_db:.0f} dB): {why}"
        )
    delay = int(np.median([one.delay_samples for one in agree]))
    return delay, float(np.median([one.clarity_db for one in agree]))


# -- MIDI -------------------------------------------------------------------------------------------------------


def midi_loop(config: Config, port: str, port_in: str) -> tuple[MidiLatency, float]:
    """(half the round trip, the round trip in ms): notes out at `port` until they are back at port_in. UserError."""
    with _output(config, port) as out:
        source = MidiIn(port_in, config.midi.api, check_s=0.2)
        try:
            _wait_open(source)
            trips_s = list(_trips(out, source))
        finally:
            source.close()
        if 2 * len(trips_s) <= LOOP_NOTES:
            raise UserError(
                f"only {len(trips_s)} of {LOOP_NOTES} notes sent to {out.name} came back at {port_in}; connect a cable"
            )
        middle_ms, spread_ms = _middle_ms(trips_s)
        return MidiLatency(out.name, LOOP, round(middle_ms / 2, 3), round(spread_ms, 3), now()), middle_ms


def _wait_open(source: MidiIn) -> None:
    deadline_s = time.monotonic() + PORT_S
    while not source.is_open:
        if time.monotonic() > deadline_s:
            raise UserError(f"{source.state}; see `antiphon devices`")
        time.sleep(0.02)
    time.sleep(0.2)  # the systems connect ports a little later than they say
    source.poll()


def _trips(out: MidiOutput, source: MidiIn) -> Iterator[float]:
    """Seconds each note took; those that did not come back are left out."""
    for number in range(LOOP_NOTES):
        key = 36 + number
        sent_s = time.monotonic()
        out.send((NOTE_ON, key, VELOCITY))
        came = None
        while came is None and time.monotonic() < sent_s + LOOP_TIMEOUT_S:
            came = next((at_s for at_s, m in source.poll() if m[:2] == bytes((NOTE_ON, key))), None)
            time.sleep(TICK_S / 4)
        out.send((NOTE_OFF, key, 0))
        if came is not None:
            yield came - sent_s
        time.sleep(LOOP_GAP_S + _uneven_s(number))


def midi_click(config: Config, port: str, click: Click) -> MidiLatency:
    """Measure from a note sent until it sounds, as heard at the input, less the input's own latency. UserError."""
    card = device_list.find_card(config.audio, wants_input=True)
    if card is None or card.input_device is None:
        raise UserError("--listen needs an input that hears the instrument; see `antiphon devices`, audio.input")
    with _output(config, port) as out:
        heard = Ring(round((CLICKS + 3) * card.rate), card.input_channels)
        reader = heard.reader()
        pair = Pair(card.input_device, None, card.input_channels, own_period=has_own_period(card.input_api))
        stream = SoundCard(pair, card.rate, config.audio.block_samples, heard, None)
        try:
            sent_s = _click(stream, heard, out, click)
            input_s = stream.latency.input_s
        finally:
            stream.close()
        channel = config.audio.input_channel - 1 if config.audio.input_channel else None
        sound, _ = to_mono(reader.read(reader.available), channel)
        delays_s = onset_delays(np.asarray(sound, np.float64), card.rate, sent_s)
        middle_ms, spread_ms = _middle_ms(delays_s)
        return MidiLatency(out.name, CLICK, round(middle_ms - 1000 * input_s, 3), round(spread_ms, 3), now())


def _click(stream: SoundCard, heard: Ring, out: MidiOutput, click: Click) -> list[float]:
    """Send the clicks; when each was sent, in seconds of the stream."""
    clock, sent_s = StreamClock(stream.rate), []
    stream.start()
    _follow(stream, clock, LEAD_S + 2 * NOISE_S)
    if not clock.running:
        raise UserError("the sound card delivers no sound; see `antiphon doctor`, or try a larger block_samples")
    for number in range(CLICKS):
        sent_s.append(clock.stream_of(time.monotonic()))
        out.send((NOTE_ON | click.channel, click.key, VELOCITY))
        _follow(stream, clock, CLICK_GAP_S / 2)
        out.send((NOTE_OFF | click.channel, click.key, 0))
        _follow(stream, clock, CLICK_GAP_S / 2 + _uneven_s(number))
    return sent_s


def _follow(stream: SoundCard, clock: StreamClock, for_s: float) -> None:
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        samples, at_s = stream.stamp()
        if samples:
            clock.update(samples, at_s)
        time.sleep(TICK_S)


def onset_delays(sound: Floats, rate: int, sent_s: list[float]) -> list[float]:
    """Seconds from each moment of sent_s until something sounds in `sound` [n]. Raises UserError where little does."""
    level = np.abs(sound)
    if level.max(initial=0.0) < 10 ** (SILENT_DB / 20):
        raise UserError("nothing was heard: connect the instrument's sound to the input, or hold the microphone to it")
    if (level >= 0.999).sum() > 4:
        raise UserError("the input clips: turn the instrument or the input's gain down and measure again")
    delays_s = [delay for at_s in sent_s if (delay := _onset_delay(level, rate, at_s)) is not None]
    if 2 * len(delays_s) <= len(sent_s):
        raise UserError(
            f"only {len(delays_s)} of {len(sent_s)} clicks stood out of the noise: turn the instrument up, check its "
            "channel, or choose a note that begins at once (--note)"
        )
    return delays_s


def _onset_delay(level: Floats, rate: int, sent_s: float) -> float | None:
    at = round(sent_s * rate)
    before, after = level[max(at - round(NOISE_S * rate), 0) : at], level[at : at + round(CLICK_LONGEST_S * rate)]
    noise, peak = float(before.max(initial=0.0)), float(after.max(initial=0.0))
    if peak < max(OVER_NOISE * noise, 10 ** (SILENT_DB / 20)):
        return None
    onset = int((after > max(OVER_NOISE / 2 * noise, ONSET_SHARE * peak)).argmax())
    return (at + onset) / rate - sent_s


def _middle_ms(values_s: list[float]) -> tuple[float, float]:
    """(median, half the distance of the quartiles)."""
    low, middle, high = np.percentile(np.array(values_s) * 1000, (25, 50, 75))
    return float(middle), float(high - low) / 2


@contextmanager
def _output(config: Config, port: str) -> Iterator[MidiOutput]:
    try:
        out = open_output(port, config.midi.named_api, "Antiphon-calibrate")
    except ValueError as cause:
        raise UserError(f"--midi {port}: {cause}") from None
    try:
        time.sleep(0.2)  # until the system has connected it
        yield out
    finally:
        out.close()
