"""An edit: plain data that says what is wrong with it in one line."""

import pickle

import pytest

from agent.directions.edit import Edit


def test_there_and_back() -> None:
    edit = Edit("snare", "level", "less", size="3 dB", scope="bar:3", confidence=0.5)
    assert Edit.from_json(edit.to_json()) == edit == pickle.loads(pickle.dumps(edit))


@pytest.mark.parametrize(
    "short", ["form.meter set 7/8 @bar:3", "band.density less ~small |than before", "feel.swing off"]
)
def test_the_short_form_there_and_back(short: str) -> None:
    assert Edit.read(short).short() == short


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "flute", "dimension": "level", "change": "more"},
        {"target": "snare", "dimension": "level", "change": "louder"},
        {"target": "snare", "dimension": "level", "change": "more", "scope": "sometimes"},
        {"target": "snare", "dimension": "level", "change": "more", "size": "huge"},
        {"target": "snare", "dimension": "level", "change": "more", "confidence": float("nan")},
        {"target": "snare", "dimension": "level", "change": "more", "value": 7},
        {"target": "snare", "dimension": "level"},
        {"target": "snare", "dimension": "level", "change": "more", "run": "rm"},
        ["snare", "level", "more"],
        None,
    ],
)
def test_what_is_no_edit_is_refused_in_one_line(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"allowed|an edit") as refusal:
        Edit.from_json(wrong)
    assert "\n" not in str(refusal.value)
