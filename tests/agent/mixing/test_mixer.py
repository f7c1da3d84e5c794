"""The mixer: the same however it is asked, stems in balance, silence exact, wishes heard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from agent.audio.file_synth import FileSynth
from agent.audio.mixed_synth import MixedSynth
from agent.core.paths import shipped_fonts
from agent.core.settings import DEFAULT_PARTS
from agent.core.types import MixWish
from agent.mixing.block_filter import BLOCK
from agent.mixing.lanes import PART_LUFS
from agent.mixing.loudness import integrated_lufs

RATE = 48_000
TICK = 6_016  # samples, a 16th at about 120


@pytest.fixture
def band() -> Iterator[MixedSynth]:
    synth = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    yield synth
    synth.close()


def strike(synth: MixedSynth, tick: int) -> None:
    """A plain groove, four-note chords and a line."""
    synth.send("drums", (0x99, 42, 80))
    if tick % 4 == 0:
        synth.send("drums", (0x99, 38 if tick % 8 else 36, 100))
        synth.send("line", (0x82, 72 - (tick - 4) % 8, 0))
        synth.send("line", (0x92, 72 - tick % 8, 85))
    if tick % 8 == 0:
        for key in (52, 57, 60, 64):
            synth.send("chords", (0x81, key, 0))
            synth.send("chords", (0x91, key, 70))


def play(synth: MixedSynth, ticks: int, chunk: int = TICK) -> np.ndarray:
    out = []
    for tick in range(ticks):
        strike(synth, tick)
        out += [synth.render(min(chunk, TICK - at)) for at in range(0, TICK, chunk)]
    return np.concatenate(out, axis=1)


def side_db(stem: np.ndarray) -> float:
    left, right = stem.T
    return float(20 * np.log10((left - right).std() / (left + right).std()))


def brightness_db(stem: np.ndarray) -> float:
    """Return what lies above 4 kHz, of the whole."""
    power = (np.abs(np.fft.rfft(stem.mean(axis=1))) ** 2)[: len(stem) // 2]
    return float(10 * np.log10(power[4_000 * len(stem) // RATE :].sum() / power.sum()))


def test_the_mix_does_not_depend_on_how_it_is_cut(band: MixedSynth) -> None:
    other = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    np.testing.assert_array_equal(play(band, 20), play(other, 20, chunk=2 * BLOCK))


def test_a_file_has_the_mix_that_is_heard_live(band: MixedSynth) -> None:
    """Wishes, a rest until everything has rung out, and a new beginning included."""
    synth, wish = FileSynth(shipped_fonts(), RATE, DEFAULT_PARTS), {"snare": MixWish(level_db=-6.0, pan=0.3)}
    wish |= {"chords": MixWish(width=0.5, bright_octaves=-1.0)}
    heard = []
    for tick in range(40):
        for one in (band, synth):
            if tick in (6, 30):
                one.wish(wish if tick == 6 else {})
            if tick < 10 or tick >= 34:
                strike(one, tick)
            elif tick == 10:
                one.all_off()
        heard.append(band.render(TICK))
        synth.play(TICK)
    live, file = np.concatenate(heard, axis=1), synth.mixed()
    synth.close()
    assert file.shape == live.shape and np.abs(live).max() > 0.1
    assert np.abs(file - live).max() < 1e-5


@pytest.mark.slow
def test_within_eight_bars_the_stems_are_in_balance(band: MixedSynth) -> None:
    stems = play(band, 12 * 16)[:, 8 * 16 * TICK :]
    for stem, part in zip(stems, DEFAULT_PARTS, strict=True):
        assert integrated_lufs(stem, RATE) == pytest.approx(PART_LUFS[part], abs=3.0), part


def test_the_band_follows_the_bass_at_once_before_it_comes_in_and_then_slowly(band: MixedSynth) -> None:
    other = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    other.follow(-4.0)
    usual, softer = play(band, 16), play(other, 16)
    assert -5 < integrated_lufs(softer.sum(axis=0), RATE) - integrated_lufs(usual.sum(axis=0), RATE) < -2
    other.follow(0.0)
    assert np.abs(play(other, 1)).max() < np.abs(play(band, 1)).max()
    usual, back = play(band, 40)[:, 32 * TICK :], play(other, 40)[:, 32 * TICK :]
    assert integrated_lufs(back.sum(axis=0), RATE) == pytest.approx(integrated_lufs(usual.sum(axis=0), RATE), abs=1)


def centroid_hz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound.mean(axis=1))) ** 2
    return float((np.fft.rfftfreq(len(sound), 1 / RATE) * power).sum() / power.sum())


@pytest.mark.parametrize("sound", ["organ", "piano", "rock organ"])
def test_darker_keys_are_darker_though_they_have_no_high_partials(band: MixedSynth, sound: str) -> None:
    darker = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    darker.wish({"chords": MixWish(bright_octaves=-1.0)})
    for synth in (band, darker):
        synth.sound({"chords": sound}, None)
    assert centroid_hz(play(darker, 8)[1]) < 0.9 * centroid_hz(play(band, 8)[1])


@pytest.mark.parametrize("sound", ["organ", "muted guitar", "vibraphone"])
def test_an_instrument_begins_near_its_place_and_the_balance_hardly_moves_it(band: MixedSynth, sound: str) -> None:
    band.sound({"chords": sound, "line": sound}, None)
    play(band, 3 * 16)
    trims_db = dict(zip(band.mixer.parts, band.mixer.balance.gain_db, strict=True))
    assert 0.0 < abs(trims_db["chords"]) < 4.0
    assert 0.0 < abs(trims_db["line"]) < 4.0


def test_the_kit_is_panned_and_folds_down_to_mono(band: MixedSynth) -> None:
    drums = play(band, 16)[0]
    assert -30 < side_db(drums) < -6
    folded = np.repeat(drums.mean(axis=1, keepdims=True), 2, axis=1)
    assert integrated_lufs(drums, RATE) - integrated_lufs(folded, RATE) < 2.0


def test_resting_while_it_is_silent_changes_nothing_that_comes_later(band: MixedSynth) -> None:
    """Against a mixer that goes on mixing silence."""
    other = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    for rests in (True, False):
        synth = band if rests else other
        play(synth, 4)
        synth.all_off()
        for _ in range(80):
            synth.render(2_048)
        assert synth.silent
        if not rests:
            synth.render(37 * BLOCK)
    np.testing.assert_array_equal(play(band, 4), play(other, 4))


def test_a_note_rings_out_in_the_reverb_and_then_is_silence(band: MixedSynth) -> None:
    band.send("drums", (0x99, 38, 120))
    band.render(RATE // 2 // BLOCK * BLOCK)
    band.all_off()
    assert np.abs(band.render(RATE // 4 // BLOCK * BLOCK)).max() > 1e-4
    for _ in range(80):
        band.render(2_048)
    assert not band.render(BLOCK).any()


@pytest.mark.parametrize(
    ("wish", "louder"),
    [(MixWish(level_db=6.0), True), (MixWish(reverb=1.0), True), (MixWish(level_db=-40.0), False)],
)
def test_a_wish_for_the_snare_changes_the_drums_and_nothing_else(band: MixedSynth, wish: MixWish, louder: bool) -> None:
    other = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    other.wish({"snare": wish})
    plain, wished = (play(synth, 6)[:, 4 * TICK :] for synth in (band, other))
    assert (wished[0].std() > plain[0].std()) == louder
    assert wished[1].std() == pytest.approx(plain[1].std(), rel=0.4)  # through the bus compressor alone


@pytest.mark.parametrize("wished_db", [-4.0, 4.0])
def test_a_level_that_is_wished_is_heard_to_a_db_and_leaves_the_rest_as_loud(wished_db: float) -> None:
    stems = []
    for wish in ({}, {"snare": MixWish(level_db=wished_db)}):
        synth = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
        synth.wish(wish)
        stems.append(alternately(synth))
        synth.close()
    plain, wished = (np.array([[hit.std() for hit in part[2:]] for part in one]) for one in stems)
    moved_db = 20 * np.log10(wished / plain)
    assert moved_db[0, 1::2].mean() == pytest.approx(wished_db, abs=0.7)  # the snare
    assert np.abs(moved_db[0, ::2]).max() < 0.5 and np.abs(moved_db[1]).max() < 0.5  # the kick, and the chords


def alternately(synth: MixedSynth) -> list[list[np.ndarray]]:
    """Strike kick and snare in turn under a chord, hard; return drums and chords as heard after each stroke."""
    found: list[list[np.ndarray]] = [[], []]
    for key in (52, 57, 60):
        synth.send("chords", (0x91, key, 90))
    for stroke in range(16):
        synth.send("drums", (0x99, 36 if stroke % 2 == 0 else 38, 118))
        heard = [synth.render(RATE // 16 // BLOCK * BLOCK) for _ in range(4)]
        for part in (0, 1):
            found[part].append(heard[0][part])
    return found


def test_brightness_pan_and_width_are_heard(band: MixedSynth) -> None:
    bright, left, narrow = (MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS) for _ in range(3))
    bright.wish({"chords": MixWish(bright_octaves=1.0)})
    left.wish({"line": MixWish(pan=-1.0)})
    narrow.wish({part: MixWish(width=-1.0) for part in DEFAULT_PARTS})
    plain = play(band, 8)
    assert brightness_db(play(bright, 8)[1]) > brightness_db(plain[1]) + 3
    panned = play(left, 8)[2]
    assert panned[:, 0].std() > 2 * panned[:, 1].std()
    assert side_db(play(narrow, 8)[0]) < side_db(plain[0]) - 6


def test_a_piece_has_a_width_of_its_own(band: MixedSynth) -> None:
    narrow = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    narrow.wish({"hat": MixWish(width=-1.0)})
    sides = []
    for synth in (band, narrow):
        synth.send("drums", (0x99, 42, 100))
        sides.append(side_db(synth.render(20 * BLOCK)[0]))
        synth.close()
    assert sides[1] < sides[0] - 12  # from the left, where it stands, to the middle


def test_a_wish_comes_without_a_click(band: MixedSynth) -> None:
    play(band, 3)
    for key in (52, 57, 60, 64):
        band.send("chords", (0x91, key, 90))
    before = band.render(100 * BLOCK)[1]
    band.wish({"chords": MixWish(level_db=-12.0)})
    after = band.render(BLOCK)[1]
    assert np.abs(np.diff(after, axis=0)).max() < 2 * np.abs(np.diff(before[-20 * BLOCK :], axis=0)).max()


def test_a_wish_is_followed_smoothly_and_wholly(band: MixedSynth) -> None:
    other = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
    for synth in (band, other):
        play(synth, 3)
    other.wish({"chords": MixWish(level_db=-12.0), "line": MixWish(level_db=-12.0), "drums": MixWish(level_db=-12.0)})
    for synth in (band, other):
        strike(synth, 0)
    plain, wished = (np.concatenate([synth.render(BLOCK) for _ in range(200)], axis=1)[1] for synth in (band, other))
    share = [float(w.std() / p.std()) for p, w in zip(np.split(plain, 20), np.split(wished, 20), strict=True)]
    assert share[0] > 0.8 and 0.5 < share[1] < share[0] and share[10] < 0.4


def test_nothing_is_compiled_while_the_band_plays() -> None:
    """In a process of its own: what other tests have compiled does not count."""
    code = (
        "import sys\nfrom listener.kernel import Kernel\nfrom tests.agent.mixing import test_mixer as band\n"
        "def kinds():\n"
        "    found = [v for m in list(sys.modules.values()) for v in vars(m).values() if isinstance(v, Kernel)]\n"
        "    return {(k.__module__, k.__name__): k.kinds for k in found}\n"
        "synth = band.MixedSynth(band.shipped_fonts(), band.RATE, band.DEFAULT_PARTS)\nbefore = kinds()\n"
        "synth.wish({'snare': band.MixWish(level_db=-6.0), 'chords': band.MixWish(width=0.5)})\n"
        "band.play(synth, 6)\nprint(len(before) > 4, kinds() == before)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["True", "True"]
