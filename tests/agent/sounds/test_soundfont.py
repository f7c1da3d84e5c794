"""SoundFont files: what is written is what was read, bad files are one line, the fonts that ship are as promised."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.audio.synth import PartVoice, Synth
from agent.core.errors import UserError
from agent.core.paths import SOUNDFONTS, shipped, shipped_fonts
from agent.core.settings import PathsConfig
from agent.sounds.font_choice import choose, chosen_font, installed
from agent.sounds.instruments import INSTRUMENTS
from agent.sounds.soundfont import (
    KEYS,
    MODES,
    MONO,
    Font,
    NotASoundFont,
    Sample,
    Voices,
    Zone,
    presets_of,
    read,
    span,
    write,
)

RATE = 48_000


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    return (12_000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def font() -> Font:
    samples = tuple(
        Sample(f"tone {root}", RATE, root, 0, (0, 0), MONO, 0, tone(hz)) for root, hz in ((57, 220.0), (69, 440.0))
    )
    zones = tuple(
        Zone(((KEYS, span(low, high)), (MODES, 0), (53, i))) for i, (low, high) in enumerate(((0, 62), (63, 127)))
    )
    return Font((Voices("Tone", (Zone(((41, 0),)),), (0, 5)),), (Voices("tone", zones),), samples, {})


@pytest.mark.parametrize("compressed", [False, True])
def test_a_written_font_plays_its_tones(tmp_path: Path, compressed: bool) -> None:
    write(tmp_path / "x.sf3", font(), compressed)
    assert presets_of(tmp_path / "x.sf3") == {(0, 5): "Tone"}
    synth = Synth(tmp_path / "x.sf3", RATE, [PartVoice("x", 0, 5)])
    synth.send("x", (0x90, 69, 127))
    spectrum = np.abs(np.fft.rfft(synth.render(RATE // 4)[0].mean(axis=1)))
    assert abs(int(spectrum.argmax()) * 4 - 440) <= 4


def test_what_is_read_is_what_was_written_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a.sf2", font())
    again = read(tmp_path / "a.sf2")
    assert (again.presets, again.instruments) == (font().presets, font().instruments)
    for one, other in zip(again.samples, font().samples, strict=True):
        np.testing.assert_array_equal(one.pcm, other.pcm)
        assert replace(one, pcm=None) == replace(other, pcm=None)
    for name in ("b.sf3", "c.sf3"):
        write(tmp_path / name, font(), compressed=True)
    assert (tmp_path / "b.sf3").read_bytes() == (tmp_path / "c.sf3").read_bytes()


def test_a_file_that_is_no_font_or_cut_short_or_a_gigabyte_of_nothing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.sf2").write_text("no font")
    (tmp_path / "cut.sf2").write_bytes(shipped_fonts()[0].read_bytes()[:1000])
    with (tmp_path / "large.sf2").open("wb") as file:
        file.truncate(1 << 30)
    for name in ("text.sf2", "cut.sf2", "large.sf2"):
        with pytest.raises(NotASoundFont, match=name) as error:
            presets_of(tmp_path / name)
        assert "\n" not in str(error.value)


def test_the_fonts_that_ship_have_every_instrument_in_twelve_megabytes() -> None:
    there = {number for path in shipped_fonts() for number in presets_of(path)}
    assert {one.preset for one in INSTRUMENTS.values()} <= there
    assert sum(path.stat().st_size for path in shipped_fonts()) < 12e6
    table = json.loads(shipped("sounds.json").read_text())
    assert {name: table[name]["bytes"] for name in SOUNDFONTS} == {p.name: p.stat().st_size for p in shipped_fonts()}


@pytest.mark.parametrize(
    ("number", "key"), [((128, 16), 38), ((128, 8), 38), ((128, 16), 42), ((0, 0), 60), ((0, 4), 60)]
)
def test_a_hard_note_is_another_sound_than_a_soft_one_turned_up(number: tuple[int, int], key: int) -> None:
    synth = Synth(shipped_fonts(), RATE, [PartVoice("x", 0, number[1], number[0])])
    sounds = []
    for velocity in (40, 118):
        synth.send("x", (0x90, key, velocity))
        sounds.append(synth.render(RATE // 10)[0].mean(axis=1))
        synth.all_off()
        synth.render(6_400)
    assert abs(np.corrcoef(*sounds)[0, 1]) < 0.97


def test_the_drums_that_ship_begin_at_once() -> None:
    synth = Synth(shipped_fonts(), RATE, [PartVoice("x", 9, 16, 128)])
    assert max(synth.lead_in_s("x", key, 80) for key in (36, 38, 42, 45, 46, 50, 51)) < 0.003


def test_a_font_is_chosen_by_part_of_its_name_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "sounds" / "sf2"
    folder.mkdir(parents=True)
    write(folder / "Mine.sf2", font())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none"))
    paths = PathsConfig(state=str(tmp_path / "state"))
    assert [one.path.name for one in installed()][-1] == "Mine.sf2"
    assert choose("mine", paths) == folder / "Mine.sf2" == chosen_font(paths)
    with pytest.raises(UserError, match="no SoundFont 'other'"):
        choose("other", paths)
    assert choose("shipped", paths) is None and chosen_font(paths) is None
