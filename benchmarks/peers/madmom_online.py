"""madmom's causal half: RNN onsets (online) and LSTM beats decoded by the DBN's forward path (online).

Its networks look back only and its frames end at their time stamp, so what frame k says was known at k / 100 s.
"""

import madmom_shim  # noqa: F401
import numpy as np
from common import run, say
from madmom.audio.signal import Signal
from madmom.features.beats import DBNBeatTrackingProcessor, RNNBeatProcessor
from madmom.features.onsets import OnsetPeakPickingProcessor, RNNOnsetProcessor

RATE, FPS = 44100, 100
onset_net, beat_net = RNNOnsetProcessor(online=True, origin="online"), RNNBeatProcessor(online=True, origin="online")


def listen(sound):
    signal = Signal(sound, sample_rate=RATE, num_channels=1)
    picker = OnsetPeakPickingProcessor(threshold=0.23, combine=0.03, online=True, fps=FPS)
    for frame, activation in enumerate(onset_net(signal)):
        for onset in picker.process_online(np.array([activation]), reset=frame == 0):
            say(type="onset", t_onset=float(onset), t_emit=frame / FPS)
    tracker, beats = DBNBeatTrackingProcessor(fps=FPS, online=True), []
    for frame, activation in enumerate(beat_net(signal)):
        for beat in tracker.process_online(np.array([activation]), reset=frame == 0):
            beats.append(float(beat))
            say(type="beat", t=float(beat), t_emit=frame / FPS)
            if len(beats) > 2:
                say(type="tempo", bpm=60 / float(np.median(np.diff(beats[-9:]))), t_emit=frame / FPS)


run(listen, RATE)
