"""How many spoken sentences are understood over the band's sound, with and without the echo canceller?

`python -m benchmarks.voice`: espeak-ng says 24 sentences into a simulated room where the band sounds at -12 and -6 dB
of the voice; what is heard goes the way of `antiphon ctl voice` (agent/conversation/push_to_talk.py). Right is the
same sentence, or one with the same edits; wrong: another one was understood. `--live`: the same sentences are said
into a session that runs on a JACK server (benchmarks/live_voice.py).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.conversation.push_to_talk import voice_of
from agent.language import speech_input
from agent.language.parser import parse
from benchmarks.common import results
from tests.agent.conversation.test_push_to_talk import mixed
from tests.agent.language.test_speech_input import SAID, spoken

MORE = (
    "more swing", "less hat", "turn the chords up", "only the drums", "back to four four", "keep that", "add a bar",
    "half time", "the snare is too loud", "more reverb", "no fill", "speed up",
)  # fmt: skip
LEVELS_DB = (-12.0, -6.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    options.add_argument("--live", action="store_true", help="in a session on a JACK server")
    given = options.parse_args()
    sentences = (*SAID, *MORE)
    if given.live:
        live(sentences, given.dry)
        return
    table, figures = Table("heard", "understood", "wrong"), {"sentences": len(sentences)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = {"alone": [judged(said, spoken(said, folder)) for said in sentences]}
        for level_db in LEVELS_DB:
            heard = [(said, *mixed(said, folder, level_db)) for said in sentences]
            counts[f"band at {level_db:g} dB, cancelled"] = [judged(said, voice_of(*rest)) for said, *rest in heard]
            counts[f"band at {level_db:g} dB, as it comes"] = [
                judged(said, np.asarray(resample_poly(mic[-round(seconds * rate) :], 2, 3), np.float32))
                for said, mic, _, rate, seconds in heard
            ]
    for name, found in counts.items():
        right, wrong = found.count("right"), found.count("wrong")
        table.add_row(name, f"{right} of {len(found)}", str(wrong))
        figures |= {name: right, f"{name}, wrong": wrong}
    Console().print(table)
    if not given.dry:
        results.append("voice", "antiphon", figures)


def live(sentences: tuple[str, ...], dry: bool) -> None:
    from benchmarks.live_voice import heard_in_session

    heard = heard_in_session(sentences)
    table = Table("said", "understood", "")
    found = [verdict(said, one) for said, one in zip(sentences, heard, strict=False)]
    for said, one, judgement in zip(sentences, heard, found, strict=False):
        table.add_row(said, one, judgement)
    Console().print(table, f"{found.count('right')} of {len(sentences)}, {found.count('wrong')} wrong")
    if not dry:
        figures = {"sentences": len(sentences), "right": found.count("right"), "wrong": found.count("wrong")}
        results.append("voice", "antiphon, live on JACK", figures)


def judged(said: str, samples: np.ndarray) -> str:
    """Return "right", "wrong" or "" for nothing understood in a sound."""
    return verdict(said, speech_input.words_of(samples))


def verdict(said: str, heard: str) -> str:
    if not heard:
        return ""
    same = [one.short() for one in parse(heard).edits] == [one.short() for one in parse(said).edits] != []
    return "right" if heard == said or same else "wrong"


if __name__ == "__main__":
    main()
