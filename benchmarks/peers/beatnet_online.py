"""BeatNet's wheel (BeatNet 1.1.3; Heydari, Cwitkowitz and Duan, ISMIR 2021): its network and its particle filter, online.

The microphone and plot libraries that it imports are not needed for files and are replaced by empty modules.
"""

import sys
import types

import madmom_shim  # noqa: F401
import numpy as np
from common import run, say

for unneeded in ("pyaudio", "matplotlib", "matplotlib.pyplot"):
    sys.modules.setdefault(unneeded, types.ModuleType(unneeded))
from BeatNet.BeatNet import BeatNet

RATE, FPS = 22050, 50


def listen(sound):
    np.random.seed(1)
    tracker = BeatNet(1, mode="online", inference_model="PF", plot=[], thread=False)
    for time_s, place in tracker.process(np.asarray(sound, np.float32)):
        say(type="beat", t=float(time_s), t_emit=float(time_s), position=int(place))


run(listen, RATE)
