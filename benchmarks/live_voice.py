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
from tests.listener.test_echo import room
from tests.stage import Stage, wait

RATE = 48_000
BAND_DB = -12.0  # in the input, beside the voice
ROOM_S = 0.25  # of the room's response that is simulated
MEASURES_S, ANSWERS_S = 6.0, 60.0
FLAGS = ("conversation.proposals=false", "band.hold_bars=64", "audio.echo_cancel=on", "recording.keep=all")
Sound = NDArray[np.float32]


class Speaker:
    """What the input hears beside the bass: a voice, and the band through a room."""

    def __init__(self, ears: Sequence[Any], frames: int) -> None:
        response = np.asarray(room(1), np.float32).ravel()
        taps = resample_poly(response, RATE, 24_000).astype(np.float32)[: round(ROOM_S * RATE)]
        size = 1 << (len(taps) + frames).bit_length()
        self._ears, self._size, self._taps = ears, size, np.fft.rfft(taps, size)
        self._tail = np.zeros(size, np.float32)
        self.gain, self.power, self.count = 0.0, 0.0, 0
        self.measures = False
        self._voice, self._at = np.zeros(0, np.float32), 0

    def say(self, voice: Sound) -> None:
        self._voice, self._at = voice, 0

    def __call__(self, out: Sound) -> None:
        """Add to a period of what the session's input hears; called by JACK."""
        n = len(out)
        heard = np.mean([port.get_array() for port in self._ears], axis=0)
        self._tail[: self._size] += np.fft.irfft(np.fft.rfft(heard, self._size) * self._taps, self._size)
        echo = self._tail[:n].copy()
        self._tail = np.concatenate([self._tail[n:], np.zeros(n, np.float32)])
        if self.measures:
            self.power += float(np.square(echo).sum())
            self.count += n
        piece = self._voice[self._at : self._at + n]
        out += self.gain * echo
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
        with Stage(folder, riff(), *flags) as stage:
            stage.start()
            wait(lambda: status_of(stage).get("listening"), 300, "the daemon")
            stage.room.playing = True
            wait(lambda: status_of(stage).get("state") == "playing", 120, "the band")
            time.sleep(12.0)
            stage.room.playing = False
            speaker = Speaker(stage.room._ears, stage.room.client.blocksize)
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
    sock = stage.folder / "control.sock"
    ask(sock, "voice", ANSWERS_S)
    time.sleep(0.2)
    speaker.say(voice)
    while speaker.speaks:
        time.sleep(0.02)
    time.sleep(0.2)
    ask(sock, "voice", ANSWERS_S)
    count = len(_understood(next((stage.folder / "sessions").iterdir())))
    deadline_s = time.monotonic() + ANSWERS_S
    while len(_understood(next((stage.folder / "sessions").iterdir()))) <= count and time.monotonic() < deadline_s:
        time.sleep(0.25)
        if "No sentence was understood" in str(status_of(stage).get("message", "")):
            ask(sock, "say hello", ANSWERS_S)  # so that the line is gone, and the count goes on


def _understood(session: Path) -> list[str]:
    """Return the sentences that were carried out, in order; "" where none was understood."""
    path = session / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines() if '"command"' in line]
    lines = [one["text"] for one in events if one["type"] == "command" and one["text"].startswith("say ")]
    return ["" if line == "say hello" else line.removeprefix("say ") for line in lines]
