"""The take that ships, heard frame by frame: its notes, beats, meter and key, each said no earlier than it sounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from listener.analyzer import Analyzer
from listener.capture import file_frames
from listener.types import Analysis, Beat, Note, Onset

ASSETS = Path(__file__).parents[2] / "agent" / "assets"
TRUTH = json.loads((ASSETS / "take.json").read_text())
NOTES = [n for n in TRUTH["notes"] if n["care_onset"] and n["care_pitch"]]


@pytest.fixture(scope="module")
def heard() -> list[Analysis]:
    analyzer = Analyzer()
    return [analyzer.step(frame) for frame in file_frames(ASSETS / "take.flac")]


def all_of(heard: list[Analysis], kind: str) -> Iterator[Onset | Note | Beat]:
    return (fact for analysis in heard for fact in getattr(analysis, kind))


def test_onsets_are_heard_within_50_ms(heard: list[Analysis]) -> None:
    estimated = np.array([o.onset_s for o in all_of(heard, "onsets")])
    reference = np.array([n["t_on"] for n in TRUTH["notes"]])
    assert mir_eval.onset.f_measure(reference, estimated)[0] > 0.9


def test_notes_are_named(heard: list[Analysis]) -> None:
    notes = [n for n in all_of(heard, "notes") if n.articulation != "ghost"]
    spans = np.array([[n.onset_s, n.onset_s + 0.1] for n in notes])
    pitches = mir_eval.util.midi_to_hz(np.array([n.pitch for n in notes], float))
    reference = np.array([[n["t_on"], max(n["t_off"], n["t_on"] + 0.05)] for n in NOTES])
    names = mir_eval.util.midi_to_hz(np.array([n["midi"] for n in NOTES], float))
    score = mir_eval.transcription.precision_recall_f1_overlap(reference, names, spans, pitches, offset_ratio=None)
    assert score[2] > 0.85


def test_a_harder_stroke_is_a_higher_velocity(heard: list[Analysis]) -> None:
    notes = list(all_of(heard, "notes"))
    pairs = [(n["velocity"], m.velocity) for n in NOTES for m in notes if abs(m.onset_s - n["t_on"]) < 0.03]
    played, said = np.array(pairs, float).T
    ranks = [np.argsort(np.argsort(v)) for v in (played, said)]
    assert np.corrcoef(ranks)[0, 1] > 0.4


def test_beats_meter_and_key_are_found_and_every_beat_is_said_before_it_falls(heard: list[Analysis]) -> None:
    beats = list(all_of(heard, "beats"))
    assert all(b.emit_s < b.time_s for b in beats)
    reference = mir_eval.beat.trim_beats(np.array(TRUTH["beats"]), 5.0)
    estimated = np.array([b.time_s for b in beats if 5.0 <= b.time_s <= reference[-1] + 0.07])
    assert mir_eval.beat.f_measure(reference, estimated) > 0.85
    assert {str(b.meter) for b in beats if b.time_s > 5} == {"4/4"}
    key = heard[-1].key
    assert key
    assert (key.tonic, key.mode) == (TRUTH["key"]["tonic"], TRUTH["key"]["mode"])


def test_nothing_is_said_before_it_sounded(heard: list[Analysis]) -> None:
    assert all(n.emit_s >= n.onset_s for kind in ("onsets", "notes") for n in all_of(heard, kind))
