"""librosa as a listening program, offline: pYIN, onset_detect,
the median f0 of each segment as its note, beat_track.
"""

import librosa
import numpy as np
from common import midi_of, run, say

RATE, FRAME, HOP = 22050, 4096, 256
HOP_S = HOP / RATE


def listen(sound):
    f0, voiced, _ = librosa.pyin(sound, fmin=30, fmax=420, sr=RATE, frame_length=FRAME, hop_length=HOP)
    f0 = np.where(voiced, f0, 0.0)
    say(type="pitch", t0=0.0, hop=HOP_S, f0=[round(float(hz), 3) for hz in f0])
    onsets = librosa.onset.onset_detect(y=sound, sr=RATE, hop_length=HOP, backtrack=False, units="frames")
    for start, end in zip(onsets, [*onsets[1:], len(f0)], strict=True):
        say(type="onset", t_onset=float(start * HOP_S))
        sure = f0[start:end][f0[start:end] > 0]
        if len(sure):
            say(type="note", t_onset=float(start * HOP_S), t_off=float(end * HOP_S), midi=midi_of(np.median(sure)))
    tempo, beats = librosa.beat.beat_track(y=sound, sr=RATE, units="time")
    for t in beats:
        say(type="beat", t=float(t))
    say(type="tempo", bpm=float(np.atleast_1d(tempo)[0]))


run(listen, RATE)
