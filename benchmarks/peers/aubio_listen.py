"""aubio as a listening program: hfc-1024 onsets, yinfft-4096 pitch glued to them, aubio.tempo beats; causal, JSON
lines.

Run with the Python that has Debian's python3-aubio: /usr/bin/python3 aubio_listen.py FILE...
"""

import json
import sys
import time
from collections import Counter

import aubio
import numpy as np

HOP, GLUE_FRAMES = 256, 3  # frames that must agree on a semitone before the note is said


def say(**line):
    print(json.dumps(line))


def listen(path):
    source = aubio.source(path, 0, HOP)
    rate, seen, pending, recent = source.samplerate, 0, None, []
    onset, tempo = aubio.onset("hfc", 1024, HOP, rate), aubio.tempo("default", 1024, HOP, rate)
    pitch = aubio.pitch("yinfft", 4096, HOP, rate)
    cpu = time.process_time()
    while True:
        block, n = source()
        seen += HOP
        now = seen / rate
        if onset(block):
            pending, recent = float(onset.get_last_s()), []
            say(type="onset", t_onset=pending, t_emit=now)
        f0 = float(pitch(block)[0])
        # yinfft always reports confidence 0 in aubio 0.4.9, so only range and level can gate it
        f0 = f0 if 30 < f0 < 450 and aubio.db_spl(block) > -60 else 0.0
        say(type="pitch", t=now - 2048 / rate, f0=f0, t_emit=now)
        if tempo(block):
            say(type="beat", t=float(tempo.get_last_s()), t_emit=now)
            say(type="tempo", bpm=float(tempo.get_bpm()), t_emit=now)
        if pending is not None and f0:
            recent.append(round(69 + 12 * np.log2(f0 / 440)))
            midi, votes = Counter(recent[-GLUE_FRAMES:]).most_common(1)[0]
            if votes == GLUE_FRAMES and now - pending > 0.06:
                say(type="note", t_onset=pending, t_emit=now, midi=midi, velocity=90)
                pending = None
        if n < HOP:
            break
    say(type="timing", cpu=time.process_time() - cpu, wall=0, audio=seen / rate)


for name in sys.argv[1:]:
    say(type="file", path=name)
    listen(name)
