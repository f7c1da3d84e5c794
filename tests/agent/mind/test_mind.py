"""The mind: light to play with, told by messages, and the same again from a snapshot."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.core.messages import FollowGrid, SetMode
from agent.core.settings import BandConfig, Config, ModelsConfig
from agent.mind import snapshot
from agent.mind.mind import Mind
from benchmarks.inputs.feel_lines import START_S, Played, sound
from benchmarks.inputs.feel_lines import frames as feel_frames
from listener.capture import file_frames
from listener.types import Frame, Grid, Meter

TAKE = Path(__file__).parents[3] / "agent" / "assets" / "take.flac"
FIXED = Config(band=BandConfig(commit_ms=150))


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [frame for frame, _ in zip(file_frames(TAKE), range(900), strict=False)]


def test_playing_imports_no_training() -> None:
    heavy = ("torch", "librosa", "matplotlib", "scipy.signal", "encodec", "rich", "mido", "soundfile")
    code = f"""
import sys
import numpy as np
from agent.mind import mind_process
from agent.mind.mind import Mind
from agent.core.settings import Config
from listener.types import Frame
mind = Mind(Config())
for k in range(8):
    mind.step(Frame(np.zeros(320, np.float32), 320 * k))
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_a_mind_from_a_snapshot_goes_on_bit_for_bit(frames: list[Frame]) -> None:
    """Another mind with its own models takes over in the middle of the take, band playing."""
    whole, other = Mind(FIXED), Mind(FIXED)
    before = [whole.step(frame) for frame in frames[:700]]
    data = snapshot.dumps(whole, whole.shared_models.by_name)
    again = snapshot.loads(data, other.shared_models.by_name, Mind)
    again.share_models(other.shared_models, 0.0)
    went_on, taken_over = ([mind.step(frame) for frame in frames[700:]] for mind in (whole, again))
    assert any(decision.plan and decision.plan.committed for decision in (*before, *went_on))
    assert went_on == taken_over


def test_a_snapshot_holds_no_weights(frames: list[Frame]) -> None:
    mind = Mind(FIXED)
    for frame in frames[:30]:
        mind.step(frame)
    assert len(snapshot.dumps(mind, mind.shared_models.by_name)) < snapshot.SLOT_BYTES / 2


def test_what_it_was_told_is_in_the_snapshot(frames: list[Frame]) -> None:
    mind = Mind(FIXED)
    grid = Grid(0.0, 0, 1, 0.4, Meter(3, 4), 1.0, 1.0)
    mind.send(SetMode("listen"))
    mind.send(FollowGrid(grid))
    models = mind.shared_models.by_name
    again = snapshot.loads(snapshot.dumps(mind, models), models, Mind)
    again.share_models(mind.shared_models, 0.0)
    decision = again.step(frames[0])
    assert (decision.mode, decision.analysis.grid) == ("listen", grid)
    again.send(FollowGrid(None))
    assert again.step(frames[1]).analysis.grid is None


def test_on_another_machines_beat_a_player_who_sits_behind_is_known_and_does_not_drag_the_band() -> None:
    line = Played(bars=12, turn=0, late_s=0.025, seed=3)
    click = Grid(START_S, 0, 1, line.beat_s, Meter(4, 4), 1.0, 1.0)
    mind, plans = Mind(replace(FIXED, models=ModelsConfig(codec_enabled=False))), []
    mind.send(FollowGrid(click))
    for frame in feel_frames(sound(line)):
        decision = mind.step(frame)
        plans += [decision.plan] if decision.plan else []
    feel = decision.analysis.feel
    assert feel
    assert feel.reference == "given"
    assert feel.behind_s == pytest.approx(line.late_s, abs=0.004)
    beats_s = [plan.grid.time_of(round(plan.grid.beat_at(plan.created_s))) for plan in plans[-64:] if plan.grid]
    off_s = [at_s - click.time_of(round(click.beat_at(at_s))) for at_s in beats_s]
    assert np.max(np.abs(off_s)) < 0.001, "the band stays on the click"


def test_a_silent_room_lets_it_rest_and_the_first_note_is_heard_as_well(frames: list[Frame]) -> None:
    """After a minute of quiet noise the ears say the same, and the codec's latents are as good as the same."""
    noise = np.random.default_rng(0).standard_normal((60, 320)).astype(np.float32) * 10 ** (-65 / 20)
    room = [Frame(noise[k % 60], 320 * k) for k in range(300)]
    after = [Frame(frame.samples, frame.start_sample + 320 * 300) for frame in frames[:150]]
    rested, awake = Mind(FIXED), Mind(FIXED)
    awake._rests = lambda _: False  # type: ignore[method-assign]
    for frame in room:
        rested.step(frame)
        awake.step(frame)
    assert rested._codec_state.frames < awake._codec_state.frames
    said = [[mind.step(frame).analysis for frame in after] for mind in (rested, awake)]
    assert said[0] == said[1]
    near = np.isclose(rested._codec_state.history, awake._codec_state.history, rtol=1e-3, atol=1e-3)
    assert near.mean() > 0.999
