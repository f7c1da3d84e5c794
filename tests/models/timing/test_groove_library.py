"""Groove takes and Hydrogen's patterns -> the library of played grooves that ships."""

from pathlib import Path

import numpy as np
import pytest

from listener.types import Meter
from models.music.dials import STYLES
from models.music.tokens import PIECES
from models.timing import groove_dataset, groove_library
from models.timing.groove_dataset import Take
from models.timing.groove_library import ASSETS, CORE, KEEPERS, KICK, SNARE, Library
from models.timing.hydrogen_patterns import readings

HAT = PIECES.index("closed_hat")
TOM = PIECES.index("low_tom")
GROOVE = {KICK: (0, 8), SNARE: (4, 12), HAT: range(0, 16, 2)}
BUSY = {KICK: (0, 6, 8), SNARE: (4, 12), HAT: range(0, 16, 2)}
FILL = {SNARE: range(8), TOM: range(8, 16)}


def take(*bars: dict, split: str = "train", kind: str = "beat", swung: bool = False) -> Take:
    hits = sorted(
        (16 * number + tick, piece, 60 + 5 * (tick % 7))
        for number, bar in enumerate(bars)
        for piece, ticks in bar.items()
        for tick in ticks
    )
    tick, piece, velocity = np.array(hits).T
    name = "drummer1/session1/7_jazz-funk_96_beat_4-4"
    offset = np.zeros(len(tick))
    return Take(name, split, "jazz", 96.0, Meter(4, 4), kind, swung, 0.2, tick, piece, velocity, offset)


def test_a_groove_is_the_takes_two_most_typical_bars_and_no_fill() -> None:
    made = groove_library.groove_of(take(FILL, BUSY, GROOVE, GROOVE, GROOVE, FILL))
    assert made is not None
    assert made.name.endswith("#3")
    assert (made.style, made.source_style) == ("funk", "jazz-funk")
    assert set(np.flatnonzero(made.hits[:, KICK])) == {0, 8, 16, 24}
    assert made.hits[4, SNARE] == 60 + 5 * 4


def test_bars_near_the_groove_are_its_variations() -> None:
    made = groove_library.groove_of(take(GROOVE, GROOVE, GROOVE, BUSY, GROOVE, FILL, BUSY))
    assert made is not None
    assert [set(np.flatnonzero(bar[:, KICK])) for bar in made.variations] == [{0, 6, 8}]


def test_a_take_without_kick_or_time_keeper_gives_none() -> None:
    assert groove_library.groove_of(take(*[{KICK: (0, 8), SNARE: range(16)}] * 4)) is None
    assert groove_library.groove_of(take(*[{SNARE: (4, 12), HAT: range(16)}] * 4)) is None


def test_only_the_train_split_is_read() -> None:
    takes = [take(GROOVE, GROOVE, split=split) for split in ("train", "valid", "test")]
    assert len(groove_library.read_groove(takes).grooves) == 1


def test_a_fill_is_its_last_bar_without_the_hit_it_lands_on() -> None:
    made = list(groove_library.fills_of(take(GROOVE, FILL, {KICK: (0,)}, kind="fill")))
    assert [len(row.hits) for row in made] == [16, 8, 4]
    assert (made[0].hits[:8, SNARE] > 0).all() and (made[1].hits[:, TOM] > 0).all()


def test_near_duplicates_go_and_other_loudness_stays() -> None:
    rows = groove_library.read_groove([take(GROOVE, GROOVE)] * 2).grooves
    assert len(groove_library.distinct(rows)) == 1
    quiet = groove_library.replace(rows[0], hits=(rows[0].hits // 2).astype(np.uint8))
    assert len(groove_library.distinct([rows[0], quiet])) == 2


def test_every_word_of_the_sources_has_a_style() -> None:
    assert set(groove_library.STYLES_OF_WORDS.values()) <= set(STYLES)
    assert groove_library.style_of("funk-purdieshuffle") == "funk"
    with pytest.raises(KeyError):
        groove_library.style_of("polka")


def test_twelve_triplets_are_12_8_and_swung_4_4() -> None:
    from tests.models.timing.test_groove_dataset import midi

    data = midi([(0.0, 36, 102), (2 / 3, 42, 102), (1.0, 38, 114), (4 / 3, 42, 102)])
    (meter, swung, twelve), (_, straight, four) = readings(data, "blues")
    assert (str(meter), swung, straight) == ("12/8", False, True)
    assert set(np.flatnonzero(twelve.any(1))) == {0, 4, 6, 8}
    assert set(np.flatnonzero(four.any(1))) == {0, 2, 4, 5}


@pytest.fixture(scope="module")
def built(shared: Path) -> tuple[Library, list[Take]]:
    return groove_library.build(shared), groove_dataset.takes(archive=groove_dataset.archive_in(shared))


def test_what_ships_is_what_the_sources_give(built: tuple[Library, list[Take]], tmp_path: Path) -> None:
    paths = groove_library.write(built[0], tmp_path)
    for path in paths:
        assert path.read_bytes() == (ASSETS / path.name).read_bytes(), "run python -m models.timing.groove_library"
    assert sum(path.stat().st_size for path in paths) < 300_000


def test_no_take_of_the_test_or_validation_split_ships(built: tuple[Library, list[Take]]) -> None:
    library, takes = built
    train = {take.name for take in takes if take.split == "train"}
    names = {row.name.split("#")[0] for row in [*library.grooves, *library.fills] if row.source == "groove"}
    assert len(names) > 500
    assert names <= train


def test_a_groove_of_a_take_is_as_it_was_played(built: tuple[Library, list[Take]]) -> None:
    library, takes = built
    by_name = {take.name: take for take in takes}
    played = [row for row in library.grooves if row.source == "groove" and row.meter == Meter(4, 4)]
    for row in played[::20]:
        name, bar = row.name.split("#")
        whole = groove_library.grid_of(by_name[name])
        at = 16 * (int(bar) - 1)
        assert (whole[at : at + 16] == row.hits[:16]).all()
    assert all(row.hits[:, CORE].any() and row.hits[:, KEEPERS].any() for row in library.grooves)
