"""Push to talk in a session that runs: `python -m benchmarks.voice --live`.

The daemon plays on a JACK server. A bassist plays until the band is in, then rests and speaks, by espeak-ng, into the
same input, between two presses of the key; the input also hears the band, 12 dB below the voice, as a loudspeaker in
the room would give it. What was understood is read from the session's events.jsonl.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from agent.control.socket_server import ask
from benchmarks.live_story import riff, status_of
from tests.agent.language.test_speech_input import spoken
from tests.stage import Stage, wait

RATE = 48_000
PERIOD = 1_024  # frames, so that what stands for the room keeps up
BAND_DB = -12.0  # in the input, beside the voice
ROOM_S, FALLS_S, TAPS = 0.15, 0.3, 32  # of the room: its length, the time in which it falls 60 dB, reflections
MEASURES_S, ANSWERS_S, UNDERSTANDS_S = 6.0, 60.0, 15.0
FLAGS = ("conversation.proposals=false", "band.hold_bars=64", "audio.echo_cancel=on", "recording.keep=all")
Sound = NDArray[np.float32]


class Speaker:
    """What the input hears beside the bass: a voice, and the band as some thirty reflections of a room give it."""

    def __init__(self, ears: Sequence[Any], frames: int) -> None:
        rng = np.random.default_rng(1)
        late = np.sort(rng.integers(round(0.02 * RATE), round(ROOM_S * RATE), TAPS))
        self._ears, self._late = ears, late + frames
        self._shares = (rng.choice([-1, 1], TAPS) * 10 ** (-3 * late / (FALLS_S * RATE))).astype(np.float32)
        self._heard, self._filled = np.zeros(1 << 20, np.float32), 0
        self.gain, self.power, self.count = 0.0, 0.0, 0
        self.measures = False
        self._voice, self._at = np.zeros(0, np.float32), 0

    def say(self, voice: Sound) -> None:
        self._voice, self._at = voice, 0

    def __call__(self, out: Sound) -> None:
        """Add to a period of what the session's input hears; called by JACK, so it is cheap."""
        n = len(out)
        if self._filled + n > len(self._heard):
            kept = int(self._late[-1]) + n
            self._heard[:kept] = self._heard[self._filled - kept : self._filled]
            self._filled = kept
        self._heard[self._filled : self._filled + n] = 0.5 * (self._ears[0].get_array() + self._ears[1].get_array())
        self._filled += n
        if self._filled > self._late[-1]:
            places = self._filled - self._late[:, None] + np.arange(n)[None, :] - n
            echo = self._shares @ self._heard[np.maximum(places, 0)]
            out += self.gain * echo
            if self.measures:
                self.power += float(np.square(echo).sum())
                self.count += n
        piece = self._voice[self._at : self._at + n]
        out[: len(piece)] += piece
        self._at += n

    @property
    def speaks(self) -> bool:
        return self._at < len(self._voice)


def heard_in_session(sentences: Sequence[str]) -> list[str]:
    """Return what a session understood of each sentence, "" for nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        voices = [resample_poly(spoken(said, folder), 3, 1).astype(np.float32) for said in sentences]
        flags = [word for flag in FLAGS for word in ("--set", flag)]
        with Stage(folder, riff(), *flags, period=PERIOD) as stage:
            stage.start()
            wait(lambda: status_of(stage).get("listening"), 300, "the daemon")
            stage.room.playing = True
            wait(lambda: status_of(stage).get("state") == "playing", 120, "the band")
            time.sleep(12.0)
            stage.room.playing = False
            speaker = Speaker(stage.room.ears, stage.room.client.blocksize)
            stage.room.spoil = speaker
            _set_level(speaker, voices)
            time.sleep(14.0)  # the room is learned from what was heard before a sentence
            for voice in voices:
                _speak(stage, speaker, voice)
            stage.stop(90)
        return _understood(next((folder / "sessions").iterdir()))


def _set_level(speaker: Speaker, voices: Sequence[Sound]) -> None:
    """Bring the band to BAND_DB beside the voices, as it is played now."""
    speaker.measures = True
    time.sleep(MEASURES_S)
    speaker.measures = False
    loud = float(np.mean([np.mean(voice[np.abs(voice) > 0.01] ** 2) for voice in voices]))
    speaker.gain = float(np.sqrt(loud * 10 ** (BAND_DB / 10) / max(speaker.power / speaker.count, 1e-12)))


def _speak(stage: Stage, speaker: Speaker, voice: Sound) -> None:
    sock, session = stage.folder / "control.sock", next((stage.folder / "sessions").iterdir())
    count = len(_understood(session))
    ask(sock, "voice", ANSWERS_S)
    time.sleep(0.2)
    speaker.say(voice)
    while speaker.speaks:
        time.sleep(0.02)
    time.sleep(0.2)
    ask(sock, "voice", ANSWERS_S)
    deadline_s = time.monotonic() + UNDERSTANDS_S
    while len(_understood(session)) <= count:
        if time.monotonic() > deadline_s:
            ask(sock, "say hello", ANSWERS_S)  # nothing was understood: its place is taken
        time.sleep(0.25)


def _understood(session: Path) -> list[str]:
    """Return the sentences that were carried out, in order; "" where none was understood."""
    path = session / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines() if '"command"' in line]
    lines = [one["text"] for one in events if one["type"] == "command" and one["text"].startswith("say ")]
    return ["" if line == "say hello" else line.removeprefix("say ") for line in lines]
