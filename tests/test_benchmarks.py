"""The benchmarks' own arithmetic: what counts as right, how belief is compared with it, when a peer is run again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.common import cached
from benchmarks.measures.reliability import Beliefs, judge

BEATS = [1.0 + 0.5 * i for i in range(40)]
TRUTH = {"beats": BEATS, "beat_pos": [i % 4 + 1 for i in range(40)], "meter": "4/4"}


def grid(t_beat: float, t_downbeat: float, bpm: float = 120.0, num: int = 4) -> dict[str, object]:
    sure = {"confidence": 0.9, "meter_confidence": 0.6}
    return {"type": "grid", "t_beat": t_beat, "t_downbeat": t_downbeat, "bpm": bpm, "num": num, **sure}


@pytest.mark.parametrize(
    ("said", "beat_right", "bar_right"),
    [
        (grid(5.02, 7.01), True, True),
        (grid(5.25, 7.25), False, False),  # between the beats
        (grid(5.0, 7.0, bpm=60.0), False, True),  # half the tempo
        (grid(5.0, 6.0), True, False),  # the third beat taken for the first
        (grid(5.0, 7.0, num=3), True, False),
    ],
)
def test_a_belief_is_right_where_the_beat_and_the_bar_are(
    said: dict[str, object], beat_right: bool, bar_right: bool
) -> None:
    time, meter = judge([(TRUTH, [said])])
    assert (time.right.tolist(), meter.right.tolist()) == ([beat_right], [bar_right])


def test_the_calibration_error_is_none_for_honest_beliefs_and_large_for_boasts() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0, 1, 20_000)
    right = (rng.uniform(0, 1, 20_000) < sure).astype(float)
    assert Beliefs("honest", sure, right).error < 0.02
    assert Beliefs("boast", np.full(100, 0.95), np.zeros(100)).error == pytest.approx(0.95)


def test_a_peer_runs_again_only_when_it_or_the_clip_is_another(tmp_path: Path) -> None:
    script, wav = tmp_path / "peer.py", tmp_path / "a.wav"
    script.write_text('import sys\nfor f in sys.argv[1:]: print(\'{"type": "file"}\\n{"type": "beat", "t": 1}\')')
    wav.write_bytes(b"sound")
    first = cached.key("python", script, wav)
    assert cached.key("python", script, wav) == first
    wav.write_bytes(b"another")
    second = cached.key("python", script, wav)
    script.write_text(script.read_text() + "\n")
    assert len({first, second, cached.key("python", script, wav)}) == 3


def test_what_a_peer_says_is_kept_clip_by_clip() -> None:
    text = '{"type": "file", "path": "a"}\n{"type": "beat", "t": 1}\n{"type": "file", "path": "b"}\n'
    assert cached.split(text) == ['{"type": "beat", "t": 1}\n', ""]
