"""What is written comes out in order, to every reader, and a slow reader is told what it lost."""

import multiprocessing

import numpy as np

from listener.ring import Ring


def counting(start: int, n: int, channels: int = 1) -> np.ndarray:
    return np.repeat(np.arange(start, start + n, dtype=np.float32)[:, None], channels, axis=1)


def test_blocks_come_out_as_they_went_in_across_the_wrap() -> None:
    ring = Ring(capacity=100, channels=2)
    reader = ring.reader()
    for start in range(0, 700, 70):
        ring.write(counting(start, 70, 2))
        np.testing.assert_array_equal(reader.read(70), counting(start, 70, 2))


def test_a_reader_left_behind_gets_zeros_and_a_count() -> None:
    ring = Ring(capacity=100, channels=1)
    reader = ring.reader()
    ring.write(counting(0, 80))
    ring.write(counting(80, 80))
    read = reader.read(160)
    assert reader.dropped == 60
    assert not read[:60].any()
    np.testing.assert_array_equal(read[60:], counting(60, 100))


def test_playback_pads_with_zeros_and_says_how_many() -> None:
    ring = Ring(capacity=100, channels=1)
    reader = ring.reader()
    ring.write(counting(1, 30))
    out = np.full((50, 1), 9.0, np.float32)
    assert reader.read_into(out) == 20
    np.testing.assert_array_equal(out[:30], counting(1, 30))
    assert not out[30:].any()


def test_two_readers_do_not_disturb_each_other() -> None:
    ring = Ring(capacity=64, channels=1)
    slow, fast = ring.reader(), ring.reader()
    ring.write(counting(0, 32))
    assert len(fast.read(32)) == 32
    assert slow.available == 32


def _write_from_another_process(ring: Ring) -> None:
    ring.write(counting(0, 48))
    ring.end()


def test_another_process_writes_into_the_same_memory() -> None:
    ring = Ring(capacity=64, channels=1)
    process = multiprocessing.get_context("spawn").Process(target=_write_from_another_process, args=(ring,))
    process.start()
    process.join(30)
    reader = ring.reader()
    reader.position = 0
    np.testing.assert_array_equal(reader.read(48), counting(0, 48))
    assert reader.at_end
