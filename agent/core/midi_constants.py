"""The numbers of MIDI that more than one module needs (MIDI 1.0 Detailed Specification; General MIDI 1)."""

from __future__ import annotations

# status bytes of channel messages, without the channel
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
# controllers
BANK_MSB, BANK_LSB, SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 0, 32, 64, 120, 123
# system messages of MIDI clock, and how many clocks a quarter has
SONG_POSITION, CLOCK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
CLOCKS_PER_QUARTER, CLOCKS_PER_SIXTEENTH = 24, 6
# levels: General MIDI has 40 log10(value / 127) dB, of velocities and of volume (RP-015; what FluidSynth does)
VELOCITY_DB = 40.0
# programs
BASS_PROGRAM = 33  # finger bass


def struck_at(velocity: float, louder_db: float) -> int:
    """Return the velocity, 1 to 127, that is so much louder."""
    return min(max(round(velocity * 10 ** (louder_db / VELOCITY_DB)), 1), 127)
