"""The session folder holds what sounded, on one timeline, whatever happens to the process or the disk."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile as sf

from agent.core.errors import UserError
from agent.core.types import PARTS, PlannedNote
from agent.mixing.limiter import CEILING
from agent.recording import session_midi
from agent.recording.derived_files import read_facts
from agent.recording.recorder import Recorder, Unrecorded, new_session_folder, to_record
from agent.recording.wav_writer import HEADER_BYTES, WavWriter
from listener.types import Beat, Chord, Meter, Note

RATE = 48_000
PARTS_MIDI = {"drums": (10, 0), "chords": (2, 0), "line": (3, 11)}
ROOT = Path(__file__).parents[3]


def recorder(folder: Path, delay: int = 0) -> Recorder:
    return Recorder(folder, RATE, PARTS, PARTS_MIDI, delay)


def noise(shape: tuple[int, ...], peak: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-peak, peak, shape).astype(np.float32)


def read(folder: Path, name: str) -> np.ndarray:
    samples, rate = sf.read(folder / f"{name}.wav", dtype="float32")
    assert rate == RATE
    return np.asarray(samples)


def record(folder: Path, bass: np.ndarray, stems: np.ndarray, delay: int = 0, chunk: int = 128) -> None:
    rec = recorder(folder, delay)
    for start in range(0, max(len(bass), stems.shape[1]), chunk):
        rec.bass(bass[start : start + chunk])
        rec.stems(stems[:, start : start + chunk])
    assert rec.close() == ()


def test_the_mix_is_bass_plus_band_with_the_band_delayed(tmp_path: Path) -> None:
    bass, stems, delay = noise((70_000,), 0.2), noise((3, 70_000, 2), 0.1), 512
    record(tmp_path, bass, stems, delay)
    expected = read(tmp_path, "bass_mix")
    expected[delay:] += stems.sum(axis=0)
    np.testing.assert_allclose(read(tmp_path, "mix"), expected, atol=2**-22)
    np.testing.assert_allclose(read(tmp_path, "bass")[:70_000], bass, atol=2**-23)
    np.testing.assert_allclose(read(tmp_path, "chords")[delay:], stems[1], atol=2**-23)
    assert {len(read(tmp_path, name)) for name in ("bass", "bass_mix", "mix", *PARTS)} == {70_512}
    assert sf.info(tmp_path / "mix.wav").subtype == "PCM_24"


def test_a_loud_mix_is_limited_and_a_quiet_stretch_of_it_is_left_alone(tmp_path: Path) -> None:
    bass, stems = noise((96_000,), 0.9), noise((3, 96_000, 2), 0.9)
    bass[:30_000], stems[:, :30_000] = bass[:30_000] / 8, stems[:, :30_000] / 8
    record(tmp_path, bass, stems)
    mix, plain = read(tmp_path, "mix"), read(tmp_path, "bass_mix") + stems.sum(axis=0)
    assert np.abs(plain).max() > 2
    assert np.abs(mix).max() <= CEILING + 2**-20
    np.testing.assert_allclose(mix[:28_000], plain[:28_000], atol=2**-22)
    gain = mix[40_000:] / plain[40_000:]
    assert np.isclose(gain[:, 0], gain[:, 1], rtol=0.01, atol=0.001).mean() > 0.99


def test_the_files_do_not_depend_on_how_the_sound_arrives(tmp_path: Path) -> None:
    bass, stems = noise((100_000,), 0.9), noise((3, 90_000, 2), 0.9)
    record(tmp_path / "a", bass, stems, 100, chunk=128)
    record(tmp_path / "b", bass, stems, 100, chunk=100_000)
    for name in ("bass", "bass_mix", "mix", *PARTS):
        assert (tmp_path / "a" / f"{name}.wav").read_bytes() == (tmp_path / "b" / f"{name}.wav").read_bytes()


def test_a_band_that_comes_very_late_still_lies_at_its_place(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    band = noise((3, 40 * RATE, 2), 0.2)
    rec.bass(np.zeros(40 * RATE, np.float32))  # further ahead than the mix waits
    rec.stems(band)
    rec.close()
    np.testing.assert_allclose(read(tmp_path, "mix")[38 * RATE :], band[:, 38 * RATE :].sum(axis=0), atol=2**-21)


def test_broken_samples_become_silence_and_excess_is_clipped(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    rec.bass(np.array([np.nan, np.inf, -np.inf, 5.0, 0.5], np.float32))
    assert rec.close() == ()
    np.testing.assert_allclose(read(tmp_path, "bass"), [0, 1, -1, 1, 0.5], atol=2**-22)
    assert np.isfinite(read(tmp_path, "mix")).all()


WRITER = """
import sys
from pathlib import Path
import numpy as np
from agent.recording.derived_files import read_facts
from agent.recording.recorder import Recorder
rec = Recorder(Path(sys.argv[1]), 48000, ["drums"], {"drums": (10, 0)})
for k in range(10**9):
    rec.bass(np.full(4800, 0.25, np.float32))
    rec.stems(np.full((1, 4800, 2), 0.5, np.float32))
    rec.event({"type": "tick", "k": k})
    if k == 30:
        print("ready", flush=True)
"""


def test_after_kill_9_all_but_the_last_moment_can_be_read(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    for name, value in {
        "bass": 0.25,
        "drums": 0.5,
    }.items():  # the mix comes some seconds later: `recover` makes it anew
        samples = read(tmp_path, name)
        assert len(samples) >= 2 * RATE
        np.testing.assert_allclose(samples, value, atol=1e-6)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["type"] == "session"
    assert json.loads(lines[31]) == {"type": "tick", "k": 30}


FILLER = """
import resource, sys
from pathlib import Path
import numpy as np
from agent.recording.derived_files import read_facts
from agent.recording.recorder import Recorder
rec = Recorder(Path(sys.argv[1]), 48000, ["drums"], {"drums": (10, 0)})
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
for k in range(300):
    rec.bass(np.full(4800, 0.25, np.float32))
    rec.stems(np.full((1, 4800, 2), 0.5, np.float32))
causes = rec.close()
print(sorted(cause.split(":")[0] for cause in causes), rec.failed_writes > 100)
"""


def test_a_disk_that_fills_up_is_said_once_per_file_and_keeps_what_was_written(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILLER, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "['bass.wav', 'bass_mix.wav', 'drums.wav', 'mix.wav'] True"
    assert done.stderr.count("bass.wav") == 1
    assert len(read(tmp_path, "bass")) == pytest.approx((1_000_000 - HEADER_BYTES) / 3, abs=1)
    assert len(read(tmp_path, "drums")) == pytest.approx((1_000_000 - HEADER_BYTES) / 6, abs=1)
    assert mido.MidiFile(tmp_path / "session.mid").type == 1


def test_a_broken_part_of_the_folder_never_raises(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rec = recorder(tmp_path)
    os.mkdir(tmp_path / "session.mid")
    os.mkdir(tmp_path / "pianoroll.png")
    with caplog.at_level(logging.ERROR):
        causes = rec.close()
    assert [cause.split(":")[0] for cause in causes] == ["session.mid", "pianoroll.png"]
    assert rec.close() == causes
    assert len(caplog.records) == 2


def test_an_unusable_folder_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(UserError, match="--out DIR"):
            new_session_folder(root)
        with pytest.raises(UserError, match="--out DIR"):
            recorder(root)


def test_session_folders_never_collide(tmp_path: Path) -> None:
    folders = {new_session_folder(tmp_path / "sessions") for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.is_dir() for folder in folders)


def test_events_are_json_whatever_stands_in_them(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    beat = Beat(1.0, 0.9, 1, 120.0, Meter(7, 8, (2, 2, 3)), float("nan"))
    rec.event(to_record("beat", beat, sent_s=np.float32(0.5)))
    rec.event({"type": "error", "cause": OSError("gone"), "samples": np.arange(2)})
    _, *lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert lines[0]["meter"] == {"numerator": 7, "denominator": 8, "grouping": [2, 2, 3]}
    assert lines[0]["type"] == "beat"
    assert lines[0]["confidence"] is None
    assert lines[1] == {"type": "error", "cause": "gone", "samples": [0, 1]}
    rec.close()


def breathing(meter: Meter, count: int, start_s: float = 1.3) -> list[Beat]:
    times = start_s + np.cumsum(0.4 + 0.03 * np.sin(np.arange(count) / 5))
    return [Beat(float(t), 0, i % meter.numerator + 1, 150.0, meter, 0.9) for i, t in enumerate(times)]


def absolute(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    ticks = np.cumsum([message.time for message in track])
    return list(zip(ticks.tolist(), track, strict=True))


def seconds(file: mido.MidiFile, kind: str) -> list[tuple[float, mido.Message]]:
    """Messages of a kind with mido's own idea of their time."""
    now, found = 0.0, []
    for message in file:
        now += message.time
        if message.type == kind:
            found.append((now, message))
    return found


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(5, 4), Meter(7, 8), Meter(3, 2)])
def test_in_session_mid_downbeats_are_bars_and_notes_keep_their_time(tmp_path: Path, meter: Meter) -> None:
    beats = breathing(meter, 60)
    band = [PlannedNote("drums", beat.time_s, beat.time_s + 0.1, 36, 100, 0) for beat in beats]
    session_midi.write(tmp_path / "s.mid", [Note(2.0, 2.0, 0.5, 33, 80)], band, beats, PARTS_MIDI)
    file = mido.MidiFile(tmp_path / "s.mid")
    played = [(time_s, m) for time_s, m in seconds(file, "note_on") if m.channel == 9]
    assert [time_s for time_s, _ in played] == pytest.approx([beat.time_s for beat in beats], abs=1e-3)
    bass = [time_s for kind in ("note_on", "note_off") for time_s, m in seconds(file, kind) if m.channel == 0]
    assert bass == pytest.approx([2.0, 2.5], abs=0.001)
    drums = [tick for tick, m in absolute(file.tracks[2]) if m.type == "note_on"]
    signatures = [(tick, m) for tick, m in absolute(file.tracks[0]) if m.type == "time_signature"]
    last_tick, last = signatures[-1]
    assert (last.numerator, last.denominator) == (meter.numerator, meter.denominator)
    bar = 480 * 4 * meter.numerator // meter.denominator
    off = [(tick - last_tick + bar / 2) % bar - bar / 2 for tick in drums[:: meter.numerator]]
    assert max(map(abs, off)) < 120, "no further than a 16th"


def test_a_steady_player_leaves_one_tempo_and_a_change_leaves_two(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times_s = [0.6 * i for i in range(1, 101)] + [60.6 + 0.5 * i for i in range(100)]
    played_s = [time_s + rng.normal(0, 0.006) for time_s in times_s]
    beats = [
        Beat(time_s, 0, i % 4 + 1, 100.0 if i < 100 else 120.0, Meter(4, 4), 0.9) for i, time_s in enumerate(played_s)
    ]
    tempi = [60e6 / tempo.quarter_us for tempo in session_midi.beat_map(beats[:100]).tempi]
    assert tempi == pytest.approx([100.0], rel=0.005)
    tempi = [60e6 / tempo.quarter_us for tempo in session_midi.beat_map(beats).tempi]
    assert (tempi[0], tempi[-1]) == pytest.approx((100.0, 120.0), rel=0.01)
    assert len(tempi) <= 3


def lossy(period_s: list[float], first_s: float, seed: int) -> list[Beat]:
    """Beats as the ears have them: 8 ms of jitter, 30 ms of wandering, a beat in 30 misheard by a third, and a sound
    card that loses 3 to 12 ms every ten beats, so that what follows comes earlier."""
    rng = np.random.default_rng(seed)
    count = len(period_s)
    played_s = first_s + np.concatenate([[0.0], np.cumsum(period_s)[:-1]])
    wander_s = 0.03 * np.sin(np.arange(count) / 9 + rng.uniform(0, 6))
    lost_s = np.cumsum(np.where(rng.random(count) < 0.1, rng.uniform(0.003, 0.012, count), 0.0))
    strays_s = np.where(rng.random(count) < 1 / 30, period_s[0] / 3, 0.0)
    times_s = played_s - lost_s + wander_s + strays_s + rng.normal(0, 0.008, count)
    bpm = [60 / one * (1 + 0.02 * rng.standard_normal()) for one in period_s]
    return [
        Beat(float(at_s), 0, i % 4 + 1, one, Meter(4, 4), 0.9)
        for i, (at_s, one) in enumerate(zip(times_s, bpm, strict=True))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_jitter_and_lost_samples_leave_one_tempo_and_a_true_change_two(seed: int) -> None:
    first_s = 1.0 + 0.17 * seed
    steady = session_midi.beat_map(lossy([0.6] * 300, first_s, seed))
    assert [60e6 / tempo.quarter_us for tempo in steady.tempi] == pytest.approx([100.0], rel=0.01)
    assert [str(meter) for _, meter in steady.bars][-1] == "4/4"
    assert len(steady.bars) <= 2, "a pick-up, and bars of four"
    changed = session_midi.beat_map(lossy([0.6] * 150 + [0.55] * 150, first_s, seed))
    assert [60e6 / tempo.quarter_us for tempo in changed.tempi] == pytest.approx([100.0, 60 / 0.55], rel=0.01)


def test_a_count_that_did_not_stand_leaves_no_stray_bar(tmp_path: Path) -> None:
    """The ears begin a beat late and lose the one for a bar: after the pick-up every bar has four beats."""
    places = [3, 4, *[i % 4 + 1 for i in range(1, 25)], 3, 4, 1, 2, *[i % 4 + 1 for i in range(1, 24)]]
    beats = [Beat(0.6 + 0.6 * i, 0, place, 100.0, Meter(4, 4), 0.9) for i, place in enumerate(places)]
    meters = [str(meter) for _, meter in session_midi.beat_map(beats).bars]
    assert meters == ["2/4", "4/4"], "a pick-up, then bars of four"


@pytest.mark.parametrize(("rest_s", "meters"), [(0.25, ["4/4"]), (0.0, ["4/4", "7/8", "4/4"])])
def test_a_bar_that_the_band_went_back_from_leaves_no_stray_one(rest_s: float, meters: list[str]) -> None:
    """The band leads a bar of 7/8; a player who plays on in 4/4 is met on their next one."""
    four, seven = Meter(4, 4), Meter(7, 8)
    beats = [Beat(0.5 * i, 0, i % 4 + 1, 120.0, four, 0.9) for i in range(32)]
    beats += [Beat(16.0 + 0.25 * i, 0, i + 1, 240.0, seven, 0.9) for i in range(7)]
    beats += [Beat(17.75 + rest_s + 0.5 * i, 0, i % 4 + 1, 120.0, four, 0.9) for i in range(32)]
    assert [str(meter) for _, meter in session_midi.beat_map(beats).bars] == meters


def test_a_section_begins_on_its_bar_line_and_is_named_once(tmp_path: Path) -> None:
    beats = [Beat(0.5 * i, 0, i % 4 + 1, 120.0, Meter(4, 4), 0.9) for i in range(40)]
    marks = [(1.8, "section A"), (3.9, "section A"), (9.8, "section B")]
    session_midi.write(tmp_path / "s.mid", [], [], beats, PARTS_MIDI, marks)
    found = [(time_s, m.text) for time_s, m in seconds(mido.MidiFile(tmp_path / "s.mid"), "marker")]
    assert found == [(pytest.approx(2.0, abs=0.01), "section A"), (pytest.approx(10.0, abs=0.01), "section B")]


def test_a_loop_with_an_odd_bar_has_its_bars_one_tempo_and_its_takes(tmp_path: Path) -> None:
    """The player plays eight bars; the band goes on over a loop, with an eighth less in each third bar."""
    rng = np.random.default_rng(1)
    four = {"type": "beat", "meter": {"numerator": 4, "denominator": 4}, "tempo_bpm": 120.0}
    heard_s = 2.0 + 0.5 * np.arange(32) + rng.normal(0, 0.004, 32)
    rows = [four | {"time_s": at_s, "position": i % 4 + 1} for i, at_s in enumerate(heard_s.tolist())]
    at_s = 10.0
    for bar in range(4, 24):
        meter, length_s = ((7, 8), 1.75) if bar >= 8 and bar % 4 == 2 else ((4, 4), 2.0)
        signature = {"numerator": meter[0], "denominator": meter[1]}
        take = 2 if bar >= 8 else 0
        rows.append(
            {"type": "bar", "bar": bar, "start_s": at_s, "end_s": at_s + length_s, "meter": signature, "take": take}
        )
        at_s += length_s
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    facts = read_facts(tmp_path / "events.jsonl")
    assert not facts.bad
    session_midi.write(tmp_path / "s.mid", [], [], facts.beats, PARTS_MIDI, facts.marks)
    file = mido.MidiFile(tmp_path / "s.mid")
    meters = [f"{m.numerator}/{m.denominator}" for _, m in seconds(file, "time_signature")]
    assert meters == ["4/4", *["7/8", "4/4"] * 4]
    assert len(seconds(file, "set_tempo")) == 1
    places = [time_s for time_s, m in seconds(file, "time_signature") if m.denominator == 8]
    assert places == pytest.approx([22.0 + 7.75 * n for n in range(4)], abs=0.02)
    assert [(m.text, time_s) for time_s, m in seconds(file, "marker")] == [("take 2", pytest.approx(18.0, abs=0.02))]


def test_sections_and_words_are_markers(tmp_path: Path) -> None:
    session_midi.write(tmp_path / "s.mid", [], [], [], PARTS_MIDI, [(2.0, "less snare"), (1.0, "section A")])
    marks = [(time_s, m.text) for time_s, m in seconds(mido.MidiFile(tmp_path / "s.mid"), "marker")]
    assert marks == [(pytest.approx(1.0, abs=1e-3), "section A"), (pytest.approx(2.0, abs=1e-3), "less snare")]


def test_session_mid_names_its_tracks_and_instruments(tmp_path: Path) -> None:
    session_midi.write(tmp_path / "s.mid", [], [], [], PARTS_MIDI)
    file = mido.MidiFile(tmp_path / "s.mid")
    assert file.type == 1
    assert [track.name for track in file.tracks] == ["Antiphon session", "Bass (heard)", "Drums", "Chords", "Line"]
    programs = [(m.channel, m.program) for track in file.tracks for m in track if m.type == "program_change"]
    assert programs == [(0, 33), (9, 0), (1, 0), (2, 11)]
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [500_000]


def test_a_change_of_meter_and_a_gap_stay_on_the_bars(tmp_path: Path) -> None:
    four, seven = breathing(Meter(4, 4), 10), Meter(7, 8)
    later = four[-1].time_s + 3.1
    beats = four + [Beat(later + i * 0.2, 0, i % 7 + 1, 300.0, seven, 0.9) for i in range(21)]
    grid = session_midi.beat_map(beats)
    tick, meter = grid.bars[-1]
    assert str(meter) == "7/8"
    places = [grid.tick_at(beat.time_s) - tick for beat in beats[10:13]]
    assert places == pytest.approx([0, 240, 480], abs=1 + 480 * session_midi.NEAR_BEATS)


def test_no_note_hangs_in_session_mid(tmp_path: Path) -> None:
    band = [PlannedNote("line", 0.1 * i, 0.1 * i + 0.25, 60, 90, i) for i in range(20)]
    band.append(PlannedNote("line", 3.0, 3.0, 61, 90, 0))
    heard = [Note(0.5, 0.5, None, 33, 90), Note(0.7, 0.7, None, 33, 90)]
    session_midi.write(tmp_path / "s.mid", heard, band, [], PARTS_MIDI)
    sounding: set[tuple[int, int]] = set()
    for message in mido.MidiFile(tmp_path / "s.mid"):
        if message.type == "note_on":
            assert (message.channel, message.note) not in sounding
            sounding.add((message.channel, message.note))
        elif message.type == "note_off":
            sounding.remove((message.channel, message.note))
    assert not sounding


def test_a_corrected_note_replaces_the_first_guess(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    rec.event(to_record("note", Note(1.0, 1.03, None, 45, 80)))
    rec.event(to_record("note_revised", Note(1.0, 1.6, 0.5, 33, 80)))
    rec.event(to_record("chord", Chord(9, "min", 0.5), time_s=1.0))
    sent = {"type": "sent", "output": "synth", "part": "line", "pitch": 72, "velocity": 80}
    rec.event(sent | {"on": True, "due_s": 2.0})
    rec.event(sent | {"on": False, "due_s": 2.5})
    rec.event(to_record("beat", Beat(1.0, 0.9, 1, 120.0, Meter(4, 4), 0.9)))
    rec.close()
    notes = [m for m in mido.MidiFile(tmp_path / "session.mid") if m.type == "note_on"]
    assert [m.note for m in notes] == [33, 72]
    assert (tmp_path / "pianoroll.png").stat().st_size > 10_000


def test_the_writer_agrees_with_libsndfile(tmp_path: Path) -> None:
    samples = noise((1000, 2), 1.0)
    writer = WavWriter(tmp_path / "ours.wav", RATE, 2)
    writer.write(samples)
    writer.close()
    sf.write(tmp_path / "theirs.wav", samples, RATE, subtype="PCM_24")
    np.testing.assert_allclose(read(tmp_path, "ours"), read(tmp_path, "theirs"), atol=2**-23)


def test_where_nothing_can_be_kept_the_music_goes_on() -> None:
    nothing = Unrecorded(Path("/proc/nowhere"), PARTS)
    nothing.bass(noise((100,), 0.1))
    nothing.stems(noise((3, 100, 2), 0.1))
    nothing.event({"type": "tick"})
    assert nothing.close() == ()
