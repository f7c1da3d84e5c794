"""Mixes the band's stems, and the bass and the loop where wanted, for the loudspeaker's channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.audio.drift import Bridge
from agent.audio.sound_card import SoundCard
from agent.audio.stream_clock import StreamClock
from listener.ring import Reader, Ring

Block = NDArray[np.float32]


class OutputMixer:
    """Writes the mix to the ring `out`, whose sample k is played beside sample k of the stream.

    behind: how many samples later than its bass a sample is played (where the bass comes from a file that is heard
    when it leaves the loudspeaker). monitor: the bass, where it is to be heard, too, `ahead` samples behind what is
    rendered. sent: where the loudspeaker has a clock of its own (agent/audio/drift.py), what it plays is written
    there, too.
    """

    def __init__(self, out: Ring, behind: int, monitor: Reader | None, ahead: int, sent: Ring | None = None) -> None:
        self.out, self._sent = out, sent
        self.bridge: Bridge | None = None
        self._at = 0  # up to where was rendered
        self._weights: Block | None = None  # of the input's channels; None = their mean
        self._behind, self._monitor, self._ahead = behind, monitor, ahead

    @property
    def adds(self) -> bool:
        """Whether more than the stems is heard."""
        return self._monitor is not None

    def take(self, weights: tuple[float, ...]) -> None:
        """Hear the bass with its channels multiplied by these from now on."""
        self._weights = np.array(weights, np.float32)

    def use(self, card: SoundCard, start: int) -> None:
        """Play to this card from now on; `start`: the next sample that is rendered. The card is not attached yet."""
        if card.two_clocks and card.playback:
            self.out.begin_at(0)
            card.playback.position = 0
            self.bridge = Bridge(self.out, card.rate, start)
        elif self.bridge:
            self.bridge = None
            self.out.begin_at(start + self._behind)

    def lead(self, ahead: int, behind: int) -> None:
        """Be rendered so far ahead from now on; what comes from a file is heard later, after a moment of silence."""
        if not self.bridge and behind > self._behind:
            self.out.silence(self.out.written + behind - self._behind)
        self._ahead, self._behind = ahead, behind

    def steer(self, card: SoundCard, stream: StreamClock, now_s: float) -> None:
        """Once in a turn: keep the loudspeaker beside the microphone where they have two clocks."""
        if self.bridge:
            self.bridge.steer(card.played(), stream, now_s)

    def skip_to(self, sample: int) -> None:
        """Nothing is to be heard up to this sample."""
        at, self._at = self._at, sample
        if self.bridge:
            self._put(np.zeros((sample - at, self.out.channels), np.float32), at)
        else:
            self.out.silence(sample + self._behind)

    def write(self, stems: Block, start: int) -> Block:
        """Stems [any, n, 2] from stream sample `start` on, to be played. Returns what is played [n, channels]."""
        mix = stems.sum(axis=0)
        if self._monitor:
            self._monitor.position = max(start - self._ahead, 0)
            bass = self._monitor.read(min(len(mix), max(start + len(mix) - self._ahead, 0)))
            heard = np.nan_to_num(bass, posinf=0.0, neginf=0.0)
            mono = heard.mean(axis=1) if self._weights is None else heard @ self._weights
            mix[len(mix) - len(bass) :] += mono[:, None]
        played: Block = self._to_channels(mix)
        np.minimum(played, 1.0, out=played)  # np.clip takes thrice as long
        np.maximum(played, -1.0, out=played)
        self._put(played, start)
        self._at = start + len(mix)
        return played

    def _put(self, played: Block, start: int) -> None:
        if not self.bridge:
            self.out.write(played)
            return
        self.bridge.write(played)
        if self._sent:  # the callback cannot: it does not know which sample of the stream it plays
            self._sent.silence(start)
            self._sent.write(played[max(self._sent.written - start, 0) :])

    def _to_channels(self, mix: Any) -> Any:
        channels = self.out.channels
        if channels == 1:
            return mix.mean(axis=1, keepdims=True)
        return np.pad(mix, ((0, 0), (0, channels - 2))) if channels > 2 else mix
