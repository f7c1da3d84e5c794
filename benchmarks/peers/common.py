"""What the peers share: files in, the scorer's JSON lines out. NumPy and SciPy only, for any Python."""

import json
import sys
import time
from fractions import Fraction

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly


def say(**line):
    print(json.dumps(line))


def load(path, rate):
    """Mono float32 [n] at rate Hz, -1 to 1, from a 16-bit WAV."""
    file_rate, sound = wavfile.read(path)
    ratio = Fraction(rate, file_rate)
    return resample_poly(sound / 32768.0, ratio.numerator, ratio.denominator).astype(np.float32)


def midi_of(hz):
    return int(np.round(69 + 12 * np.log2(hz / 440)))


def run(listen, rate):
    """listen(sound [n] at rate) for each file named on the command line, with what it cost."""
    for path in sys.argv[1:]:
        say(type="file", path=path)
        sound = load(path, rate)
        cpu, wall = time.process_time(), time.monotonic()
        listen(sound)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        say(type="timing", cpu=cpu, wall=wall, audio=len(sound) / rate)
