"""The course of the reader: broken off and resumed it ends with the same weights; another's state is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.reader import course
from models.reader.network import VECTOR, Inputs

EXAMPLES = [
    course.Example(Inputs([1, 2, 3][: n % 3 + 1], [[n], [1], [2]], [[n], [], [1]]), (n % 4, 4)) for n in range(6)
]


def taught(state: Path | None, step_size: float = 1e-3, fall_at: int = 0) -> course.Reader:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = course.Reader(5, np.ones((4, VECTOR), np.float32))

    def each(step: int) -> None:
        if step == fall_at:
            raise KeyboardInterrupt

    course.train(model, EXAMPLES, 4, 7, each, step_size, state)
    return model


def test_a_course_that_was_broken_off_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "EACH", 1)
    whole = taught(None)
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "state", fall_at=2)
    for name, value in taught(tmp_path / "state").state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name


def test_the_state_of_another_course_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EACH", 1)
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "state", fall_at=2)
    with pytest.raises(ValueError, match="another course"):
        taught(tmp_path / "state", step_size=2e-3)
