"""The band's sound: one stem per part, the same at any chunking, the program that was asked for."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.audio.mixed_synth import open_synth
from agent.audio.synth import BLOCK, PartVoice, Synth, SynthUnavailable
from agent.core.settings import Config
from agent.mixing.loudness import integrated_lufs
from agent.sounds.soundfont import write
from tests.agent.sounds.test_soundfont import font as tones
from tests.waiting import wait_for

BAND = Path(__file__).parents[3] / "agent" / "assets" / "band.sf3"
FONTS = (BAND, BAND.with_name("kits.sf3"))
RATE = 48_000
PARTS = (
    PartVoice("drums", 9, 0, 128),
    PartVoice("chords", 1, 4, pan=-0.5),
    PartVoice("line", 2, 11, gain_db=-6.0),
)
SCORE = (
    (0, "drums", (0x99, 36, 100)),
    (0, "chords", (0x90, 60, 80)),
    (6400, "drums", (0x99, 38, 90)),
    (9600, "line", (0x90, 72, 100)),
    (12800, "line", (0x80, 72, 0)),
)


@pytest.fixture
def band():
    synth = Synth(BAND, RATE, PARTS)
    yield synth
    synth.close()


def play(synth, chunk, n=19_200):
    out, at = [], 0
    for time, part, message in (*SCORE, (n, None, None)):
        while at < time:
            out.append(synth.render(min(chunk, time - at)))
            at += out[-1].shape[1]
        if part:
            synth.send(part, message)
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("chunk", [1, 64, 100, 128, 333])
def test_the_sound_does_not_depend_on_the_chunks(chunk):
    whole, cut = (play(Synth(BAND, RATE, PARTS), n) for n in (8192, chunk))
    np.testing.assert_array_equal(whole, cut)
    assert (np.abs(whole).max(axis=(1, 2)) > 0.01).all()


def test_a_message_between_blocks_acts_at_the_next_block(band):
    band.render(10)
    band.send("drums", (0x99, 42, 127))
    sound = band.render(4 * BLOCK)[0]
    assert not sound[: BLOCK - 10].any()
    assert sound[BLOCK - 10 :].any()


def test_each_part_sounds_on_its_own_stem_only(band):
    band.send("chords", (0x90, 60, 100))
    stems = np.abs(band.render(RATE // 4)).max(axis=(1, 2))
    assert stems[1] > 0.01
    assert stems[0] == stems[2] == 0


def test_pan_and_gain(band):
    band.send("chords", (0x90, 60, 100))
    left, right = np.abs(band.render(RATE // 4)[1]).max(axis=0)
    assert right / left == pytest.approx(0.5, rel=0.02)


def test_all_off_is_silence(band):
    play(band, 128)
    band.send("chords", (0x90, 48, 120))
    band.render(1000)
    band.all_off()
    band.render(2 * BLOCK)
    assert not band.render(RATE // 2).any()


@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="needs the fluidsynth command")
@pytest.mark.parametrize(("program", "key"), [(4, 60), (11, 72), (33, 40)])
def test_the_fluidsynth_command_plays_the_same_program(tmp_path, program, key):
    import mido

    track = mido.MidiTrack([mido.Message("program_change", program=program)])
    track += [mido.Message("note_on", note=key, velocity=100), mido.Message("note_off", note=key, time=960)]
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    file.save(tmp_path / "note.mid")
    options = ["-ni", "-q", "-R", "0", "-C", "0", "-r", str(RATE), "-g", "0.5", "-T", "wav", "-O", "s16"]
    command = ["fluidsynth", *options, "-F", tmp_path / "note.wav", BAND, tmp_path / "note.mid"]
    subprocess.run(command, check=True, capture_output=True)
    theirs = soundfile.read(tmp_path / "note.wav")[0].mean(axis=1)
    synth = Synth(BAND, RATE, [PartVoice("x", 0, program)])
    synth.send("x", (0x90, key, 100))
    ours = synth.render(RATE // 2)[0].mean(axis=1)
    start = int(np.argmax(np.abs(theirs) > 1e-3)) - int(np.argmax(np.abs(ours) > 1e-3))
    shifts = [theirs[start + k :][: len(ours) - 200] for k in range(-100, 101) if start + k >= 0]
    assert max(np.corrcoef(ours[: len(s)], s)[0, 1] for s in shifts) > 0.99


def test_lead_ins_are_where_the_sound_starts(band):
    assert 0 < band.lead_in_s("drums", 36, 100) < 0.02
    bass = Synth(BAND, RATE, [PartVoice("bass", 0, 33)])
    assert bass.lead_in_s("bass", 38, 90) > 0.002


def test_a_part_plays_another_preset_from_the_next_block_on():
    synth = Synth(FONTS, RATE, PARTS, [(0, 0), (128, 16)])
    piano = Synth(BAND, RATE, [PartVoice("line", 2, 0, gain_db=-6.0)])
    synth.choose("line", (0, 0))
    for one in (synth, piano):
        one.send("line", (0x90, 72, 100))
    np.testing.assert_array_equal(synth.render(RATE // 4)[2], piano.render(RATE // 4)[0])
    assert synth.has((128, 16)) and not synth.has((3, 3))


def test_what_is_known_of_the_fonts_that_ship_is_what_is_measured(tmp_path):
    (tmp_path / "other.sf3").write_bytes(BAND.read_bytes())
    known, measured = (Synth(path, RATE, PARTS) for path in (BAND, tmp_path / "other.sf3"))
    for part, key in (("drums", 38), ("chords", 60), ("line", 72)):
        assert known.lead_in_s(part, key, 80) == pytest.approx(measured.lead_in_s(part, key, 80), abs=1e-4)
        assert known.note_lufs(part, [key], 90) == pytest.approx(measured.note_lufs(part, [key], 90), abs=0.1)


def test_a_missing_or_corrupt_font_or_program_is_one_clear_line(tmp_path, capfd):
    (tmp_path / "text.sf2").write_text("no font")
    (tmp_path / "cut.sf3").write_bytes(BAND.read_bytes()[:100_000])
    for path, program in (("none.sf2", 0), ("text.sf2", 0), ("cut.sf3", 0)):
        with pytest.raises(SynthUnavailable, match=path) as error:
            Synth(tmp_path / path, RATE, [PartVoice("x", 0, program)])
        assert "\n" not in str(error.value)
    with pytest.raises(SynthUnavailable, match="no program 127"):
        Synth(BAND, RATE, [PartVoice("x", 0, 127)])
    assert capfd.readouterr().err == ""


def test_where_a_font_cannot_be_used_the_one_that_ships_plays_and_one_line_says_why(tmp_path):
    (tmp_path / "cut.sf3").write_bytes(BAND.read_bytes()[:100_000])
    config = Config()
    harp = {**config.parts, "chords": replace(config.parts["chords"], program=46)}
    for given, says in (
        (replace(config, paths=replace(config.paths, soundfont=str(tmp_path / "none.sf2"))), "no soundfont at"),
        (replace(config, paths=replace(config.paths, soundfont=str(tmp_path / "cut.sf3"))), "not a soundfont"),
        (replace(config, parts=harp), "no program 46"),
    ):
        synth, why = open_synth(given, RATE)
        assert says in why and "the sounds that ship play" in why and "\n" not in why
        synth.send("chords", (0x91, 60, 100))
        assert np.abs(synth.render(BLOCK * 100)).max() > 0.01
        synth.close()


def test_a_message_that_is_not_midi_is_refused(band):
    for message in ((), (0x10, 60, 1), (0x90, 200, 1)):
        with pytest.raises(ValueError, match="not a MIDI message"):
            band.send("line", message)


def test_resting_while_nothing_sounds_does_not_change_what_sounds_later(band):
    """Against a synth that renders its silence."""
    other, rested = Synth(BAND, RATE, PARTS), 0
    for wait in (0, 30, 2):
        for synth in (band, other):
            synth.send("line", (0x90, 72, 100))
            synth.render(9_600)
            synth.send("line", (0x80, 72, 0))
        heard = [band.render(960), other.render(960)]
        for _ in range(100):
            if not band.silent:
                heard[0] = band.render(960)
            else:
                heard[0], rested = np.zeros_like(heard[0]), rested + 1
            heard[1] = other.render(960)
            np.testing.assert_array_equal(*heard)
        other.render(960 * wait)
    assert rested > 100


def test_the_style_the_config_and_words_choose_the_instruments_in_this_order(tmp_path):
    write(tmp_path / "own.sf2", tones())
    config = Config()
    piano = {**config.parts, "line": replace(config.parts["line"], sound="organ")}
    paths = replace(config.paths, soundfont=str(tmp_path / "own.sf2"), presets={"rhodes": "0:5"})
    synth, why = open_synth(replace(config, parts=piano, paths=paths), RATE)
    assert why == "own.sf2 has no rock kit, piano, organ; the sounds that ship play"
    for asked, style, expected in (
        ({}, None, ((128, 16), (0, 0), (0, 17))),
        ({}, "jazz", ((128, 40), (0, 0), (0, 17))),
        ({"chords": "rhodes", "line": "flute"}, "jazz", ((128, 40), (0, 5), (0, 73))),
        ({"chords": "a tuba"}, "funk", ((128, 8), (0, 7), (0, 17))),
    ):
        synth.sound(asked, style)
        assert tuple(synth.sounds[part] for part in ("drums", "chords", "line")) == expected
    synth.close()


def test_another_instrument_is_as_loud_as_the_one_before():
    synth, _ = open_synth(Config(), RATE)
    loud = []
    for name in ("piano", "rhodes", "organ", "clean guitar", "pad"):
        synth.sound({"chords": name}, None)
        for key in (52, 57, 62, 67):
            synth.send("chords", (0x91, key, 90))
        loud.append(integrated_lufs(synth.render(RATE)[1], RATE))
        synth.all_off()
        synth.render(RATE)
    assert max(loud) - min(loud) < 9.0


def test_an_instrument_that_is_not_in_memory_is_read_beside_the_band_and_plays_from_then_on():
    """The thread that plays never reads a file; nothing of it is heard but the instrument that was asked for."""
    live, patient = open_synth(Config(), RATE, waits=False)[0], open_synth(Config(), RATE)[0]
    for synth in (live, patient):
        synth.sound({"line": "flute"}, None)
    assert live.sounds["line"] != patient.sounds["line"] == (0, 73)
    wait_for(lambda: live.send("line", (0x80, 60, 0)) or live.sounds == patient.sounds, 20, "the flute")
    heard = []
    for synth in (live, patient):
        synth.send("line", (0x90, 72, 100))
        heard.append(synth.render(9_600))
        synth.close()
    assert np.abs(heard[0]).max() > 0.01
    np.testing.assert_array_equal(*heard)


def test_a_part_that_begins_with_another_preset_does_not_read_its_own():
    synth = Synth(FONTS, RATE, PARTS, first={"chords": (0, 16), "line": (0, 999)})
    assert [synth.is_loaded(number) for number in ((0, 16), (0, 4), (0, 11))] == [True, False, True]
    synth.send("chords", (0x90, 60, 100))
    assert synth.render(RATE // 2)[1].any()
    synth.close()
