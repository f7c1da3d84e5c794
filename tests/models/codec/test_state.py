"""A codec's state is a value: copied, saved and restored, it goes on identically; another codec refuses it."""

import copy

import numpy as np
import pytest

from models.codec.codec import Codec, CodecState
from models.codec.net import CodecConfig, build_encodec
from tests.models.codec.codec_cases import bass, trained_model


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def codec(request):
    return Codec(trained_model(), engine=request.param)


def halves(codec, way):
    """(step, state to begin with, inputs) of encoding or decoding."""
    frames = bass(2.0).reshape(-1, 320)
    if way == "encode":
        return codec.step, codec.initial_state(), frames
    return codec.step_decode, codec.initial_decode_state(), codec.forward(frames.ravel()).T


@pytest.mark.parametrize("way", ["encode", "decode"])
@pytest.mark.parametrize("at", [0, 2, 50])  # before the first frame, in the mirrored start, in the stream
def test_a_restored_state_goes_on_identically(codec, way, at, tmp_path):
    step, state, inputs = halves(codec, way)
    for one in inputs[:at]:
        _, state = step(one, state)
    state.save(tmp_path / "state")
    others = [state.copy(), copy.deepcopy(state), CodecState.load(tmp_path / "state")]
    for part in (state.start, state.history):
        part.setflags(write=False)  # a step leaves the given state alone
    for one in inputs[at : at + 30]:
        wanted, state = step(one, state)
        got = []
        for index, other in enumerate(others):
            out, others[index] = step(one, other)
            got.append(out)
        assert all((out == wanted).all() for out in got)


def test_a_result_is_not_overwritten_by_the_next_step(codec):
    step, state, inputs = halves(codec, "decode")
    for one in inputs[:20]:
        _, state = step(one, state)
    first, state = step(inputs[20], state)
    before = first.copy()
    step(inputs[21], state)
    assert (first == before).all()


def test_both_engines_take_each_others_states():
    model, frames = trained_model(), bass(1.0).reshape(-1, 320)
    fast, plain = Codec(model, engine="compiled"), Codec(model, engine="numpy")
    state = fast.initial_state()
    for frame in frames[:40]:
        wanted, next_state = fast.step(frame, state)
        got, _ = plain.step(frame, state)
        assert (got == wanted).all()
        state = next_state


def test_a_state_of_another_codec_direction_or_precision_is_refused(codec):
    small = Codec(build_encodec(CodecConfig(n_filters=4, dim=8)))
    same_size = Codec(build_encodec(CodecConfig()))
    double = Codec(trained_model(), dtype=np.float64)
    for foreign in (small, same_size, double):
        with pytest.raises(ValueError, match=r"state of encoder .* begin with a fresh state"):
            codec.step(np.zeros(320, np.float32), foreign.initial_state())
        with pytest.raises(ValueError, match=r"state of decoder .* begin with a fresh state"):
            codec.step_decode(np.zeros(codec.n_codebooks, int), foreign.initial_decode_state())
    with pytest.raises(ValueError, match="state of decoder"):
        codec.step(np.zeros(320, np.float32), codec.initial_decode_state())


def test_a_damaged_state_is_refused(codec, tmp_path):
    path, state = tmp_path / "state", codec.initial_state()
    for frame in bass(1.0).reshape(-1, 320)[:9]:
        _, state = codec.step(frame, state)
    with pytest.raises(ValueError, match="damaged state"):
        codec.step(np.zeros(320, np.float32), CodecState(state.net, 9, state.start, state.history[:-1]))
    state.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="not a codec state, or cut short"):
        CodecState.load(path)
    with pytest.raises(FileNotFoundError, match="no such codec state"):
        CodecState.load(tmp_path / "none")
