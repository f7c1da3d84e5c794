"""Runs a spare audio process that waits, with everything loaded, to replace one that dies."""

from __future__ import annotations

import os
import signal
from select import select

from agent.audio.mixed_synth import load_synth
from agent.core.channel import Channel
from agent.core.messages import BEGIN
from agent.core.os_process import give_back_memory, set_process_name
from agent.engine import audio_process
from agent.engine.reports import AudioSetup

LOOK_S = 0.5


def main(setup: AudioSetup, plans: Channel, commands: Channel, reports: Channel) -> None:
    """Run the spawned process: it opens nothing and sends nothing until BEGIN comes."""
    set_process_name("antiphon-spare")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_synth(setup.config, setup.rate)
    give_back_memory()
    parent = os.getppid()
    while BEGIN not in commands.receive():
        if commands.gone or os.getppid() != parent:
            return
        select([commands], [], [], LOOK_S)
    audio_process.main(setup, plans, commands, reports)
