"""The library of played grooves: what ships, what it gives, bars of odd meters, and damaged files."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.parts.groove_library import KEEPERS, KICK, RIM, SNARE, GrooveLibrary, joined
from listener.types import Meter
from models.music.dials import STYLES
from models.music.tokens import PIECES

FILES = ("grooves.safetensors", "grooves.json", "LICENSE-grooves.txt")
ODD = [
    Meter(5, 8),
    Meter(7, 8),
    Meter(7, 8, (3, 2, 2)),
    Meter(7, 8, (4, 3)),
    Meter(10, 8),
    Meter(11, 8),
    Meter(5, 4),
    Meter(7, 4),
    Meter(6, 4),
]


@pytest.fixture(scope="module")
def library() -> GrooveLibrary:
    return GrooveLibrary.load()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(shipped(name), tmp_path / name)
    return tmp_path


def test_it_ships_in_at_most_300_kb_with_the_licences_of_both_sources() -> None:
    assert sum(shipped(name).stat().st_size for name in FILES) <= 300_000
    licence = shipped(FILES[2]).read_text()
    for named in ("CC BY 4.0", "Gillick", "Google LLC", "CC BY-SA 4.0", "Albert Phelipot", "Hydrogen", "Changes:"):
        assert named in licence


def test_it_loads_in_50_ms_and_is_read_only_and_kept(copied: Path, library: GrooveLibrary) -> None:
    times = []
    for number in range(5):
        folder = shutil.copytree(copied, copied / str(number), ignore=shutil.ignore_patterns("[0-9]"))
        start = time.perf_counter()
        GrooveLibrary.load(Path(folder))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
    assert GrooveLibrary.load() is GrooveLibrary.load()
    with pytest.raises(ValueError, match="read-only"):
        library.all_grooves[0].hits[0, 0] = 1


def test_every_groove_is_two_bars_with_a_kick_and_something_that_keeps_time(library: GrooveLibrary) -> None:
    for groove in library.all_grooves:
        per_beat = 16 // groove.meter.denominator
        assert groove.hits.shape == (2 * groove.meter.numerator * per_beat, len(PIECES))
        assert groove.hits[:, KICK].any()
        assert (groove.hits[:, KEEPERS] > 0).any(1).sum() >= 3
        assert groove.hits.max() <= 127
        assert groove.style in STYLES
        assert all(bar.shape == groove.bar(0).shape and bar[:, KICK].any() for bar in groove.variations)


def test_velocities_are_the_drummers(library: GrooveLibrary) -> None:
    distinct = [len(np.unique(groove.hits)) - 1 for groove in library.all_grooves]
    assert np.mean(np.array(distinct) >= 8) > 0.9


def test_variations_share_the_groove_and_are_not_it(library: GrooveLibrary) -> None:
    core = [KICK, SNARE, RIM]
    found = [(groove, bar) for groove in library.all_grooves for bar in groove.variations]
    assert len(found) > 400
    for groove, bar in found:
        for own in (groove.bar(0), groove.bar(1)):
            both, either = (bar[:, core] > 0) & (own[:, core] > 0), (bar[:, core] > 0) | (own[:, core] > 0)
            assert 0.5 <= both.sum() / either.sum() <= 0.9


def test_there_are_grooves_of_every_style_and_the_meters_people_play(library: GrooveLibrary) -> None:
    for style in STYLES:
        assert library.grooves(Meter(4, 4), style)
    assert library.grooves(Meter(4, 4), "metal") == library.grooves(Meter(4, 4), "rock")  # nobody plays metal here
    for meter in (Meter(3, 4), Meter(6, 8), Meter(12, 8), Meter(12, 8, (3, 3, 3, 3))):
        assert library.grooves(meter)
    assert library.grooves(Meter(7, 8)) == ()
    with pytest.raises(ValueError, match=r"style 'polka': allowed are rock, metal"):
        library.grooves(Meter(4, 4), "polka")


def test_fills_have_the_length_asked_for(library: GrooveLibrary) -> None:
    for ticks in (4, 6, 8, 12, 16, 24):
        fills = library.fills(ticks)
        assert fills and all(fill.hits.shape == (ticks, len(PIECES)) for fill in fills)
        assert all(0 < fill.density <= 1 for fill in fills)
    assert len(library.fills(16, Meter(4, 4), swung=False)) > 200
    assert {fill.style for fill in library.fills(8, style="funk")} == {"funk"}
    assert library.fills(7) == ()


@pytest.mark.parametrize("meter", ODD, ids=lambda meter: f"{meter}{meter.grouping or ''}")
def test_joined_bars_begin_with_a_kick_have_a_backbeat_and_keep_time(meter: Meter, library: GrooveLibrary) -> None:
    pulse = 4 if meter.denominator == 4 else 2
    for seed in range(50):
        groove = library.joined(meter, np.random.default_rng(seed))
        assert len(groove.hits) == 2 * meter.numerator * 16 // meter.denominator
        for bar in (groove.bar(0), groove.bar(1)):
            assert bar[0, KICK]
            assert (bar[4:, [SNARE, RIM]] > 0).any()
            keeper = max(KEEPERS, key=lambda piece: (bar[:, piece] > 0).sum())
            assert bar[::pulse, keeper].all()


def test_a_joined_bar_is_the_same_for_the_same_state_of_chance(library: GrooveLibrary) -> None:
    bars = [library.joined(Meter(7, 8), np.random.default_rng(5), "funk") for _ in range(2)]
    assert (bars[0].hits == bars[1].hits).all() and bars[0].name == bars[1].name
    assert bars[0].style == "funk"
    assert len({library.joined(Meter(7, 8), np.random.default_rng(seed)).hits.tobytes() for seed in range(30)}) > 15
    assert (joined(library, Meter(7, 8), np.random.default_rng(5), "funk") == bars[0].bar(0)).all()


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("grooves.safetensors", lambda data: data[:-9], "truncated or altered"),
        ("grooves.safetensors", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "truncated or altered"),
        ("grooves.json", lambda data: data[:-9], "not readable as JSON"),
        ("grooves.json", lambda data: b"\xff" + data, "not readable as JSON"),
        ("grooves.json", lambda data: b"[]", "not a table of grooves"),
        ("grooves.json", lambda data: data.replace(b'"kick", ', b""), "the band has kick, snare"),
        ("grooves.json", lambda data: data.replace(b'"format": 1', b'"format": 9'), "format 9"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(copied: Path, name: str, damage, reason: str) -> None:
    (copied / name).write_bytes(damage((copied / name).read_bytes()))
    with pytest.raises(UserError, match=reason) as caught:
        GrooveLibrary.load(copied)
    assert "\n" not in str(caught.value) and "git checkout agent/assets" in str(caught.value)


@pytest.mark.parametrize("change", ["pop", "double", "strings", "negative"])
def test_a_table_that_does_not_fit_its_hits_is_refused(copied: Path, change: str) -> None:
    table = json.loads((copied / "grooves.json").read_text())
    fills = table["fills"]
    if change == "pop":
        fills.pop()
    elif change == "double":
        fills += fills[:1]
    elif change == "strings":
        fills[0] = "fill"
    else:
        fills[0][7] = -16
    (copied / "grooves.json").write_text(json.dumps(table))
    with pytest.raises(UserError, match=r"does not fit the hits|not a table of grooves"):
        GrooveLibrary.load(copied)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"grooves.json: cannot be read \(No such file"):
        GrooveLibrary.load(tmp_path)
