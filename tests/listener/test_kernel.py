"""A kernel computes what numba computes; once compiled it runs without numba being loaded."""

import os
import subprocess
import sys

import numpy as np
import pytest

from listener import machine_code
from listener.analyzer import Analyzer
from listener.kernel import kernel
from listener.rhythm.beat import BeatTracker
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Note, Onset


@kernel()
def _squares(x, most):  # type: ignore[no-untyped-def]
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] * x[i]
    if out.max() > most:
        raise ValueError("too large")
    return out


@kernel(fastmath=True)
def _sum_of_squares(x):  # type: ignore[no-untyped-def]
    return _squares(x, 1e6).sum()


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(machine_code.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        _sum_of_squares(np.arange(3.0)), _squares(np.arange(3.0), 9.0)  # compiled, and kept
        yield


def read_again(function, *args):
    """A twin that has compiled nothing yet, so that it reads what is kept."""
    twin = kernel(**function._options)(function._function)
    return twin, twin(*args)


def test_code_that_was_kept_computes_and_raises_the_same():
    twin, out = read_again(_squares, np.arange(4.0), 9.0)
    assert "dispatcher" not in vars(twin)  # numba was not asked
    np.testing.assert_array_equal(out, [0, 1, 4, 9])
    with pytest.raises(ValueError, match="too large"):
        twin(np.arange(5.0), 9.0)
    assert read_again(_sum_of_squares, np.arange(5.0))[1] == 30.0


def test_code_that_was_asked_for_beforehand_is_what_a_call_runs():
    code = _squares.code_for(np.arange(3.0), 9.0)
    np.testing.assert_array_equal(code(np.arange(4.0), 99.0), _squares(np.arange(4.0), 99.0))


@pytest.mark.parametrize("x", [np.arange(8.0)[::2], np.arange(4, dtype=np.float32), np.frombuffer(bytes(32))])
def test_arrays_of_another_layout_type_or_right_get_code_of_their_own(x):
    before = len(_squares.kinds)
    np.testing.assert_array_equal(_squares(x, 99.0), x.astype(float) ** 2)
    assert len(_squares.kinds) == before + 1


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:60], lambda data: b"", lambda data: b"[]\n"]
)
def test_a_damaged_file_is_compiled_anew(damage):
    source = machine_code.Source(_squares._function, "", _squares.kinds[0])
    assert machine_code.loaded(source)
    source.file.write_bytes(damage(source.file.read_bytes()))
    twin, out = read_again(_squares, np.arange(4.0), 9.0)
    assert "dispatcher" in vars(twin) and out[3] == 9
    assert machine_code.loaded(source)


def test_a_session_starts_without_the_compiler():
    code = (
        "import sys; from listener import analyzer; from models.codec import codec\n"
        "analyzer.warm_up(); codec.warm_up(); print('numba' in sys.modules, 'scipy' in sys.modules)"
    )
    there = {name: value for name, value in os.environ.items() if name != machine_code.VARIABLE}
    subprocess.run([sys.executable, "-c", code], check=True, env=there)  # compiles what is not compiled yet
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=there).split() == ["False", "False"]


def test_after_the_warm_up_nothing_is_compiled_while_one_plays():
    """In a process of its own: what other tests have compiled does not count."""
    code = (
        "import sys\nfrom listener import analyzer\nfrom listener.kernel import Kernel\n"
        "def kinds():\n"
        "    known = [v for m in list(sys.modules.values()) for v in vars(m).values() if isinstance(v, Kernel)]\n"
        "    return {(k.__module__, k.__name__): k.kinds for k in known}\n"
        "analyzer.warm_up()\nbefore = kinds()\n"
        "from tests.listener.test_kernel import play\nplay()\n"
        "print([name for name, found in kinds().items() if found != before.get(name, ())])"
    )
    there = {name: value for name, value in os.environ.items() if name != machine_code.VARIABLE}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=there).strip() == "[]"


def play() -> None:
    """Let the beat tracker follow a line that changes its tempo and its bars, and the ears a silence and some notes."""
    tracker, at_s, hears = BeatTracker(), 0.2, iter(range(20 * 75))
    silence = np.zeros(FRAME_SAMPLES, np.float32)
    for k in range(44):
        note = Note(at_s, at_s + 0.03, None, 33 + (0, 5, 7, 5)[k % 4], 90 + 20 * (k % 4 == 0))
        while (frame := Frame(silence, next(hears) * FRAME_SAMPLES)).end_s < note.emit_s:
            tracker.step(frame, 0.0, (), ())
        tracker.step(frame, 1.0, (Onset(at_s, note.emit_s, 0.9),), (note,))
        at_s += 0.5 if k < 28 else 0.36
    ears = Analyzer()
    t = np.arange(ANALYSIS_RATE) / ANALYSIS_RATE
    pluck = 0.3 * np.exp(-4 * t) * sum(np.sin(2 * np.pi * 55 * k * t) / k for k in range(1, 9))
    sound = np.concatenate([np.zeros(2 * ANALYSIS_RATE), pluck, pluck]).astype(np.float32)
    for start in range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        ears.step(Frame(sound[start : start + FRAME_SAMPLES], start))
