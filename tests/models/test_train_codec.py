"""The codec's trainer repeats itself, resumes, and learns."""

import numpy as np
import pytest
import torch

from models.codec_data import bass_line, build_pools
from models.codec_net import CodecConfig
from models.codec_scores import perplexity, si_sdr
from models.train_codec import TrainConfig, Trainer, codebooks, sdr_db

TINY = CodecConfig(n_filters=2, dim=8, n_codebooks=2, bins=16)


def tones() -> dict[str, list[np.ndarray]]:
    t = np.arange(48_000) / 24_000
    return {"bass_line": [(0.3 * np.sin(2 * np.pi * hz * t)).astype(np.float32) for hz in (60, 90)]}


def trainer(steps: int = 12) -> Trainer:
    return Trainer(TrainConfig(steps=steps, batch=4, frames=10, seed=3), TINY, tones())


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    whole, broken = trainer(), trainer()
    for _ in range(12):
        whole.train_step()
    for _ in range(4):
        broken.train_step()
    broken.save(tmp_path / "state")
    resumed = trainer()
    resumed.resume(tmp_path / "state")
    while resumed.step < 12:
        resumed.train_step()
    wanted = whole.model.state_dict()
    assert all(torch.equal(wanted[name], value) for name, value in resumed.model.state_dict().items())


def test_a_run_with_other_settings_is_not_resumed(tmp_path):
    trainer().save(tmp_path / "state")
    with pytest.raises(ValueError, match="use --fresh"):
        trainer(steps=13).resume(tmp_path / "state")


def test_codebooks_are_filled_from_latents_when_quantising_begins():
    run = trainer()
    before = [book.embed.clone() for book in codebooks(run.model)]
    while not run.quantised:
        run.train_step()
    assert all(torch.equal(a, book.embed) for a, book in zip(before, codebooks(run.model), strict=True))
    run.train_step()
    assert not any(torch.equal(a, book.embed) for a, book in zip(before, codebooks(run.model), strict=True))


def test_silence_scores_zero_and_a_perfect_copy_much():
    sound = torch.from_numpy(tones()["bass_line"][0])[None]
    assert float(sdr_db(torch.zeros_like(sound), torch.zeros_like(sound))) == 0.0
    assert float(sdr_db(sound, torch.zeros_like(sound))) == pytest.approx(0.0, abs=1e-4)
    assert float(sdr_db(sound, sound)) > 30


def test_si_sdr_does_not_mind_the_level():
    rng = torch.Generator().manual_seed(0)
    sound, error = torch.randn(10_000, generator=rng), torch.randn(10_000, generator=rng)
    assert si_sdr(sound, sound + 0.1 * error) == pytest.approx(20.0, abs=0.3)
    assert si_sdr(sound, 5 * (sound + 0.1 * error)) == pytest.approx(20.0, abs=0.3)


def test_perplexity_counts_equally_used_codes():
    codes = torch.stack([torch.arange(800) % 8, torch.zeros(800, dtype=torch.int64)])
    assert perplexity(codes, 16) == pytest.approx([8.0, 1.0])


def test_a_bass_line_repeats_from_its_seed():
    notes = [(pitch, np.ones(4_000, np.float32)) for pitch in (28, 33, 40)]
    first, again = (bass_line(notes, np.random.default_rng(5)) for _ in range(2))
    assert (first == again).all()
    assert 0 < np.abs(first).max() <= 1


def test_missing_data_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="needed to train the codec"):
        build_pools(tmp_path, seed=0)
