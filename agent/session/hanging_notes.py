"""Ends the notes that a killed process left sounding at the MIDI port."""

from __future__ import annotations

import contextlib

from agent.core.midi_constants import NOTE_OFF
from agent.core.settings import Config

KEYS = range(128)


def silence(config: Config) -> str:
    """Send every note-off to the MIDI port, through a new port; return "" or why it could not be done.

    It sends every key of every part, as nobody knows which notes a killed process left sounding.
    """
    from agent.midi.band_port import open_port

    try:
        if port := open_port(config):
            with contextlib.closing(port):
                for part in config.parts:
                    for key in KEYS:
                        port.send(part, (NOTE_OFF, key, 0))
    except Exception as cause:  # RtMidi's own types differ by platform, and the caller has more to end
        return str(cause) or type(cause).__name__
    return ""
