"""The messages that end every note at an instrument, whatever it missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.core.midi_constants import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL, NOTE_OFF, SUSTAIN

PANIC_CONTROLLERS = (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF)


def panic_messages(keys: Iterable[tuple[int, int]], channels: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Yield a note-off for every (channel, key) ever used, then sustain, all notes and all sound off on every channel.

    Every key, not only what sounds by our count: the other side may have missed a note-off (JACK drops the messages
    of a period that a client is too late for). Channels count from 0 here, as in a status byte.
    """
    for channel, key in sorted(keys):
        yield NOTE_OFF | channel, key, 0
    for channel in sorted(channels):
        for controller in PANIC_CONTROLLERS:
            yield CONTROL | channel, controller, 0
