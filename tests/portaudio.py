"""A sound card without hardware: PortAudio is not asked, and the test calls what it would call."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from agent.audio.sound_card import Pair, SoundCard
from listener.ring import Reader, Ring

Callback = Callable[..., None]


def opened(
    pair: Pair, rate: int, block_samples: int, ring: Ring, playback: Reader | None, **more: Any
) -> tuple[SoundCard, Callback]:
    """Return a card and the callback that PortAudio was given, the one in Python; of two, the loudspeaker's."""
    callbacks: list[Callback] = []

    def one_way(callback: Callback, **_: Any) -> SimpleNamespace:
        callbacks.append(callback)
        return SimpleNamespace(latency=0.0)

    def both_ways(callback: Callback, **_: Any) -> SimpleNamespace:
        callbacks.append(callback)
        return SimpleNamespace(latency=(0.0, 0.0))

    asked = SimpleNamespace(PortAudioError=OSError, Stream=both_ways, InputStream=one_way, OutputStream=one_way)
    with (
        patch("agent.audio.device_list.sounddevice", lambda: asked),
        patch("agent.audio.card_callback.address", lambda: 0),
    ):
        card = SoundCard(pair, rate, block_samples, ring, playback, **more)
    return card, callbacks[-1]
