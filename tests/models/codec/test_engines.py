"""The compiled engine does what the numpy engine does; without numba the numpy engine does everything."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch

from models.codec import kernels as codec_kernels
from models.codec.codec import Codec, warm_up
from models.codec.compiled import CompiledNet
from models.codec.kernels import _elu, _sigmoid, _tanh
from models.codec.layers import fold, history_size, run
from models.codec.net import CodecConfig, build_encodec
from tests.models.codec.codec_cases import bass, streamed, streamed_back

SIZES = [CodecConfig(), CodecConfig(n_filters=16), CodecConfig(n_filters=2, dim=6), CodecConfig(n_filters=32, dim=128)]


@pytest.mark.parametrize("config", SIZES)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_compiled_engine_is_the_numpy_engine_at_any_size(config, part):
    torch.manual_seed(0)
    layers = fold(getattr(build_encodec(config), part).model, np.float32)
    rows, channels = {"encoder": (320, 1), "decoder": (1, config.dim)}[part]
    compiled, rng = CompiledNet(layers, rows), np.random.default_rng(0)
    history = rng.normal(0, 1, history_size(layers)).astype(np.float32)
    other = history
    for _ in range(8):
        x = rng.normal(0, 1, (rows, channels)).astype(np.float32)
        wanted, history = run(layers, x, history)
        got, other = compiled.step(x, other)
        close = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(got, wanted, atol=close, rtol=0)
        np.testing.assert_allclose(other, history, atol=1e-5 * np.abs(history).max(), rtol=0)


def test_the_compiled_functions_are_pytorchs_to_float32():
    x = np.concatenate([np.linspace(-100, 100, 20_001), np.geomspace(1e-30, 1, 500), -np.geomspace(1e-30, 1, 500)])
    x = x.astype(np.float32)
    exact, out = torch.from_numpy(x).double(), np.empty_like(x)
    _elu(x, out)
    np.testing.assert_allclose(out, torch.nn.functional.elu(exact).numpy(), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose([_sigmoid(v) for v in x], exact.sigmoid().numpy(), rtol=1e-6, atol=1.2e-7)
    np.testing.assert_allclose([_tanh(v) for v in x], exact.tanh().numpy(), rtol=1e-6, atol=1e-30)


def test_after_the_warm_up_nothing_is_compiled():
    warm_up()
    kernels = [codec_kernels.run, codec_kernels.quantise]
    before = [kernel.kinds for kernel in kernels]
    codec = Codec.load()
    assert codec.engine == "compiled"
    streamed_back(codec, streamed(codec, bass(0.5)))
    state = codec.initial_state()
    for frame in bass(0.2).reshape(-1, 320):
        _, state = codec.step(frame, state)
        state.history.setflags(write=False)
    assert [kernel.kinds for kernel in kernels] == before
    assert [len(kinds) for kinds in before] == [1, 1]


def test_a_long_stream_keeps_its_memory():
    codec, frames = Codec.load(), bass(1.0).reshape(-1, 320)
    state, back, sizes = codec.initial_state(), codec.initial_decode_state(), []
    tracemalloc.start()
    try:
        for _ in range(6):
            for frame in frames:
                codes, state = codec.step(frame, state)
                _, back = codec.step_decode(codes, back)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[2:]) - sizes[1] < 2_000  # bytes


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_without_numba_the_codec_streams_the_same_codes():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from models.codec.codec import Codec, warm_up; from tests.models.codec.codec_cases import bass, streamed\n"
        "warm_up(); codec = Codec.load(); print(codec.engine, *streamed(codec, bass(0.5)).ravel())"
    )
    engine, *codes = run_python(code)
    assert engine == "numpy"
    assert [int(one) for one in codes] == streamed(Codec.load(), bass(0.5)).ravel().tolist()


@pytest.mark.slow
def test_compiling_takes_seconds(tmp_path):
    code = (
        "import time; from models.codec.codec import warm_up; start = time.process_time(); warm_up();"
        "print(time.process_time() - start)"
    )
    first = float(run_python(code, NUMBA_CACHE_DIR=str(tmp_path))[0])
    again = float(run_python(code, NUMBA_CACHE_DIR=str(tmp_path))[0])
    assert again < 3 < first < 15  # seconds of CPU
