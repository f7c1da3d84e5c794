"""What a sound card says of itself is believed as far as it can be true."""

from types import SimpleNamespace

import pytest

from agent.audio.sound_card import Latency, latency_of

USUAL_S = 0.005


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ([SimpleNamespace(latency=(0.01, 0.02))], Latency(0.01, 0.02)),
        ([SimpleNamespace(latency=0.01), SimpleNamespace(latency=0.02)], Latency(0.01, 0.02)),
        (
            [SimpleNamespace(latency=(2**32 / 48_000, 0.02))],
            Latency(USUAL_S, 0.02),
        ),  # PipeWire, a port without a device
        ([SimpleNamespace(latency=(0.01, float("nan")))], Latency(0.01, USUAL_S)),
        ([SimpleNamespace(latency=-1.0)], Latency(USUAL_S, 0.0)),
    ],
)
def test_a_latency_that_cannot_be_is_taken_for_the_usual_one(streams: list[object], expected: Latency) -> None:
    assert latency_of(streams, USUAL_S) == expected
