"""What can go wrong on a stage, each done on purpose, and what became of the music: used by the rig's tests and by
benchmarks/realtime.py."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from tests.stage import Stage, Synth, wait

HELD_S = 6.0  # longer than any note of the band that began before a fault may sound after it
SETTLE_S = 4.0


@dataclass(frozen=True)
class Fault:
    """do(stage): returns when the fault itself is over.
    reach_s: how long sound or notes may be missing for its sake.
    """

    name: str
    do: Callable[[Stage], None]
    reach_s: float
    sounds: bool = True  # whether the stage's loudspeaker is there to be listened to


@dataclass
class Outcome:
    """Of one fault: gap_s: longest time between two notes around it, usual_gap_s: the same before it; silence_s: of the
    loudspeaker. back_s: from its end to the next note. hanging: notes that began before it and sound HELD_S after."""

    name: str
    gap_s: float
    usual_gap_s: float
    silence_s: float
    back_s: float
    hanging: list[tuple[int, int]] = field(default_factory=list)

    @property
    def lost_s(self) -> float:
        """How much longer the band was silent than it ever is."""
        return max(self.gap_s - self.usual_gap_s, 0.0)


def suffer(stage: Stage, fault: Fault) -> Outcome:
    """Do it while the band plays; what happened."""
    wait(lambda: _notes_since(stage, time.monotonic() - 1.5), 60, "the band")
    usual = _gap(stage, time.monotonic() - 10, time.monotonic())
    stage.synth.push()
    sounding = dict(stage.synth.sounding_since)
    begun_s = time.monotonic()
    fault.do(stage)
    over_s = time.monotonic()
    back_s = stage.wait_for_band(30, over_s)
    time.sleep(SETTLE_S)
    while time.monotonic() < begun_s + HELD_S:
        time.sleep(0.1)
    stage.synth.push()
    hanging = [note for note, since in sounding.items() if stage.synth.sounding_since.get(note) == since]
    silence_s = stage.room.silence_s(begun_s, over_s + SETTLE_S) if fault.sounds else float("nan")
    return Outcome(fault.name, _gap(stage, begun_s - 1, over_s + SETTLE_S), usual, silence_s, back_s, hanging)


def _notes_since(stage: Stage, since_s: float) -> bool:
    stage.synth.push()
    return any(t > since_s for t, *_ in stage.synth.note_ons[-200:])


def _gap(stage: Stage, since_s: float, until_s: float) -> float:
    """The longest time between two note-ons."""
    stage.synth.push()
    heard = [t for t, *_ in stage.synth.note_ons if since_s <= t <= until_s]
    return float(np.diff(heard).max()) if len(heard) > 1 else until_s - since_s


def kill(name: str) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        time.sleep(random.uniform(0, 1))
        os.kill(stage.workers()[name], signal.SIGKILL)
        if name == "parent" and stage.daemon:
            stage.daemon.wait(5)

    return do


def stopped(name: str, seconds: float) -> Callable[[Stage], None]:
    """SIGSTOP, and SIGCONT if it still lives by then."""

    def do(stage: Stage) -> None:
        pid = stage.workers()[name]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        with suppress(OSError):
            os.kill(pid, signal.SIGCONT)

    return do


def long_step(seconds: float) -> Callable[[Stage], None]:
    """One step of the responder takes so long (tests/slow_step patches it in; the stage must be `slow`)."""

    def do(stage: Stage) -> None:
        stage.slow_flag.write_text(str(seconds))
        wait(lambda: not stage.slow_flag.exists(), 20, "the slow step")
        time.sleep(seconds)

    return do


def server_dies(seconds: float) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        heard = stage.synth.note_ons
        stage.unfurnish(gone=True)
        stage.server.kill()
        time.sleep(seconds)
        stage.server.start()
        stage.furnish()
        stage.synth.note_ons[:0] = heard
        stage.room.playing = True

    return do


def port_vanishes(seconds: float) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        heard = stage.synth.note_ons
        stage.synth.close()
        time.sleep(seconds)
        stage.synth = Synth(heard)

    return do


def busy(count: int, seconds: float) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        hogs = [multiprocessing.get_context("fork").Process(target=_burn, daemon=True) for _ in range(count)]
        for hog in hogs:
            hog.start()
        time.sleep(seconds)
        for hog in hogs:
            hog.kill()
            hog.join()

    return do


def _burn() -> None:
    while True:
        sum(range(10_000))


def spoiled(change: Callable[[np.ndarray], None], seconds: float) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        stage.room.spoil = change
        time.sleep(seconds)
        stage.room.spoil = None

    return do


def _nan(out: np.ndarray) -> None:
    out[::7] = np.nan


def _inf(out: np.ndarray) -> None:
    out[::5] = np.inf


def _clip(out: np.ndarray) -> None:
    np.clip(out * 40, -1, 1, out=out)


def _dc(out: np.ndarray) -> None:
    out += 0.5


def _nothing(out: np.ndarray) -> None:
    out[:] = 0


def flood(per_second: int, seconds: float) -> Callable[[Stage], None]:
    """Controllers and notes at the stage's pedal board."""

    def do(stage: Stage) -> None:
        end_s = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end_s:
            stage.pedals.send_message([0xB0, 20 + number % 40, number % 128] if number % 2 else [0x90, number % 128, 5])
            number += 1
            time.sleep(1 / per_second)

    return do


def clock_steps(hours: float) -> Callable[[Stage], None]:
    """The wall clock of Antiphon (libfaketime; the stage must be started with it) jumps and jumps back."""

    def do(stage: Stage) -> None:
        for offset in (hours, 0.0):
            stage.clock_file.write_text(f"{offset * 3600:+.0f}\n")
            time.sleep(4)

    return do


RESTART_S = 1.0
FAULTS = (
    Fault("kill -9 of the model process", kill("mind"), 0.0),
    Fault("kill -9 of the audio process", kill("audio"), RESTART_S),
    Fault("SIGSTOP of the model process for 3 s", stopped("mind", 3.0), 0.0),
    Fault("a model step of 2 s", long_step(2.0), 0.0),
    Fault("SIGSTOP of the audio process for 3 s", stopped("audio", 3.0), RESTART_S + 0.5),
    Fault("the MIDI port gone for 2 s", port_vanishes(2.0), 2.0 + 1.5),
    Fault("the wall clock +1 h and back", clock_steps(1.0), 0.0),
    Fault("the wall clock -1 h and back", clock_steps(-1.0), 0.0),
    Fault("4 busy processes for 10 s", busy(4, 10.0), 0.0),
    Fault("NaN in the input for 2 s", spoiled(_nan, 2.0), 0.0),
    Fault("Inf in the input for 2 s", spoiled(_inf, 2.0), 0.0),
    Fault("the input clipped for 4 s", spoiled(_clip, 4.0), 0.0),
    Fault("DC of half full scale for 4 s", spoiled(_dc, 4.0), 0.0),
    Fault("no input for 2 s", spoiled(_nothing, 2.0), 0.0),
    Fault("200 MIDI messages a second for 5 s", flood(200, 5.0), 0.0),
    Fault("the JACK server killed, back after 2 s", server_dies(2.0), 2.0 + 4.0, sounds=False),
)
