"""swift-f0 (a small network, offline) as a listening program: its f0 track and its own notes."""

from common import midi_of, run, say
from swift_f0 import FRAME_PERIOD, SwiftF0, segment_notes

RATE, SURE = 16000, 0.5
net = SwiftF0(threads=1, spin=False)


def listen(sound):
    track = net.detect(sound, RATE, fmax=420.0)
    f0 = [
        float(hz) if sure >= SURE and hz > 0 else 0.0 for hz, sure in zip(track.pitch_hz, track.confidence, strict=True)
    ]
    say(type="pitch", t0=float(track.timestamps[0]), hop=FRAME_PERIOD, f0=f0)
    for note in segment_notes(track):
        say(type="note", t_onset=note.start, t_off=note.end, midi=midi_of(note.pitch_hz))


run(listen, RATE)
