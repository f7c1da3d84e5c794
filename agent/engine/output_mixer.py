"""Mixes the band's stems, and the bass and the loop where wanted, for the loudspeaker's channels; limits true peaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.audio.drift import Bridge
from agent.audio.sound_card import SoundCard
from agent.audio.stream_clock import StreamClock
from agent.engine.click import Click
from agent.mixing.bass_strip import BassStrip
from agent.mixing.block_filter import BLOCK
from agent.mixing.limiter import Limiter
from listener.ring import Reader, Ring

Block = NDArray[np.float32]
LATE = BLOCK  # samples by which the ring is written later than rendered: the limiter looks ahead


class OutputMixer:
    """Writes the mix to the ring `out`, whose sample k is played beside sample k of the stream.

    behind: how many samples later than its bass a sample is played (where the bass comes from a file that is heard
    when it leaves the loudspeaker). monitor: the bass, where it is to be heard, too, `ahead` samples behind what is
    rendered; it goes through its channel strip. sent: where the loudspeaker has a clock of its own
    (agent/audio/drift.py), what it plays is written there, too. `out` is written up to LATE samples less than rendered.
    click: is heard, too; no stem and no recording has it.
    """

    def __init__(
        self, out: Ring, rate: int, behind: int, monitor: Reader | None, ahead: int, sent: Ring | None = None
    ) -> None:
        self.out, self._sent = out, sent
        self.bridge: Bridge | None = None
        self._at = 0  # up to where was rendered
        self._weights: Block | None = None  # of the input's channels; None = their mean
        self._behind, self._monitor, self._ahead = behind, monitor, ahead
        self._limiter = Limiter(rate)
        self.click = Click(rate)
        self._strip = BassStrip(rate) if monitor else None

    @property
    def adds(self) -> bool:
        """Whether more than the stems is heard."""
        return self._monitor is not None or self.click.on

    def take(self, weights: tuple[float, ...]) -> None:
        """Hear the bass with its channels multiplied by these from now on."""
        self._weights = np.array(weights, np.float32)

    def use(self, card: SoundCard, start: int) -> None:
        """Play to this card from now on; `start`: the next sample that is rendered. The card is not attached yet."""
        if card.two_clocks and card.playback:
            self.out.begin_at(0)
            card.playback.position = 0
            self.bridge = Bridge(self.out, card.rate, start - LATE)
        elif self.bridge:
            self.bridge = None
            self.out.begin_at(start - LATE + self._behind)

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
        """Nothing is to be heard up to this sample, but for what the limiter still holds."""
        at, self._at = self._at, sample
        if not self._limiter.idle:
            self._put(self._to_channels(self._limiter.step(np.zeros((sample - at, 2), np.float32))), at - LATE)
        elif self.bridge:
            self._put(np.zeros((sample - at, self.out.channels), np.float32), at - LATE)
        else:
            self.out.silence(sample - LATE + self._behind)

    def write(self, stems: Block, start: int, loop: Block | None = None) -> Block:
        """Stems [any, n, 2] and a loop [n, 2] from stream sample `start` on, to be played; n is a multiple of 64.

        Returns what is played [n, channels], from sample start - LATE on.
        """
        mix = stems.sum(axis=0)
        if self._monitor and self._strip:
            bass = self._bass(self._monitor, len(mix), start)
            if loop is not None:
                bass += loop.mean(axis=1)
            self._strip.observe(bass)
            mix += self._strip.process(bass)[:, None]
        elif loop is not None:
            mix += loop
        self.click.mix_into(mix, start)
        played = self._to_channels(self._limiter.step(mix))
        self._put(played, start - LATE)
        self._at = start + len(mix)
        return played

    def _bass(self, monitor: Reader, n: int, start: int) -> Block:
        """The bass beside n samples from `start` on, mono; zeros before its beginning."""
        bass = np.zeros(n, np.float32)
        monitor.position = max(start - self._ahead, 0)
        heard = monitor.read(min(n, max(start + n - self._ahead, 0)))
        heard = np.nan_to_num(heard, posinf=0.0, neginf=0.0)
        mono = heard.mean(axis=1) if self._weights is None else heard @ self._weights
        bass[n - len(mono) :] = mono.clip(-1.0, 1.0)
        return bass

    def _put(self, played: Block, start: int) -> None:
        if not self.bridge:
            self.out.write(played)
            return
        self.bridge.write(played)
        if self._sent:  # the callback cannot: it does not know which sample of the stream it plays
            self._sent.silence(max(start, 0))
            self._sent.write(played[max(self._sent.written - start, 0) :])

    def _to_channels(self, mix: Block) -> Block:
        channels = self.out.channels
        if channels == 1:
            mono: Block = mix.mean(axis=1, keepdims=True)
            return mono
        return np.pad(mix, ((0, 0), (0, channels - 2))) if channels > 2 else mix
