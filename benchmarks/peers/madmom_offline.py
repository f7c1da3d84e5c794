"""madmom's offline half: bidirectional RNN onsets, joint beats and downbeats (RNN + DBN,
told the four meters of the clips), key (CNN).
"""

import madmom_shim  # noqa: F401
import numpy as np
from common import run, say
from madmom.audio.signal import Signal
from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor
from madmom.features.key import CNNKeyRecognitionProcessor
from madmom.features.onsets import OnsetPeakPickingProcessor, RNNOnsetProcessor

RATE, FPS = 44100, 100
onset_net, beat_net, key_net = RNNOnsetProcessor(), RNNDownBeatProcessor(), CNNKeyRecognitionProcessor()
picker = OnsetPeakPickingProcessor(threshold=0.3, smooth=0.07, combine=0.03, pre_max=0.01, post_max=0.01, fps=FPS)
tracker = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4, 5, 7], fps=FPS)


def listen(sound):
    signal = Signal(sound, sample_rate=RATE, num_channels=1)
    for onset in picker(onset_net(signal)):
        say(type="onset", t_onset=float(onset))
    beats = tracker(beat_net(signal))
    for t, place in beats:
        say(type="beat", t=float(t), beat=int(place))
    if len(beats) > 2:
        say(type="tempo", bpm=60 / float(np.median(np.diff(beats[:, 0]))))
        say(type="meter", num=int(beats[:, 1].max()))
    key = int(np.argmax(key_net(signal)))
    say(type="key", tonic=(key + 9) % 12, mode="maj" if key < 12 else "min")


run(listen, RATE)
