"""Plays a recording through the sound card, from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from agent.audio import device_list
from agent.core.errors import UserError
from agent.core.settings import AudioConfig

Sound = NDArray[np.float32]


def play(pieces: Iterable[Sound], rate: int, audio: AudioConfig) -> float:
    """Play pieces [n, 2] one after the other and return the seconds played; Ctrl-C ends it. Raises UserError where
    there is no sound card, or it does not take this rate."""
    card = device_list.find_card(audio, wants_input=False)
    if card is None or card.output_device is None:
        raise UserError("no sound card to play to; `antiphon devices` lists what there is, `sessions open` the files")
    sound, count = device_list.sounddevice(), 0
    try:
        stream = sound.OutputStream(device=card.output_device, samplerate=rate, channels=2, dtype="float32")
        with stream:
            for piece in pieces:
                stream.write(np.ascontiguousarray(np.clip(piece, -1.0, 1.0)))
                count += len(piece)
    except (sound.PortAudioError, ValueError) as cause:
        raise UserError(f"the sound card would not play at {rate} Hz ({cause}); see `antiphon devices`") from None
    except KeyboardInterrupt:
        pass
    finally:
        device_list.release()
    return count / rate
