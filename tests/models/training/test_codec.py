"""The codec's trainer repeats itself, resumes, and learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.codec.net import CodecConfig, build_encodec, load_encodec
from models.sounds import codec_sounds
from models.sounds.bass_tones import MadeString
from models.sounds.codec_sounds import Corpus, Sources
from models.sounds.ears_corpus import Bank
from models.training import codec
from models.training.codec import TrainConfig, Trainer
from models.training.codec_books import codebooks, initialise_codebooks
from models.training.codec_init import initialise_as_klt
from models.training.codec_losses import sdr_db
from models.training.codec_scores import perplexity, si_sdr

TINY = CodecConfig(n_filters=2, dim=8, n_codebooks=4, bins=16)
CONFIG = TrainConfig(steps=12, batch=4, frames=10, trained_books=2, processes=1, seed=3)


def tones() -> list[np.ndarray]:
    t = np.arange(48_000) / 24_000
    return [(0.3 * np.sin(2 * np.pi * hz * t)).astype(np.float32) for hz in (60, 90)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("items")
    for index, tone in enumerate(tones()):
        np.save(folder / f"{index:05d}.npy", (tone * 32767).astype(np.int16))
    return Corpus(folder)


@pytest.fixture
def trainer(corpus):
    return lambda steps=12: Trainer(replace(CONFIG, steps=steps), TINY, corpus)


@pytest.mark.slow
def test_a_resumed_run_ends_where_an_unbroken_one_does(trainer, tmp_path):
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


def test_a_run_with_other_settings_is_not_resumed(trainer, tmp_path):
    trainer().save(tmp_path / "state")
    with pytest.raises(ValueError, match="use --fresh"):
        trainer(steps=13).resume(tmp_path / "state")


def test_a_codec_begins_as_the_klt_of_its_data(corpus):
    torch.manual_seed(0)
    model = build_encodec(CodecConfig())
    sound = torch.from_numpy(corpus.segments(8, 30, np.random.default_rng(0)))
    with torch.no_grad():
        before = model.decoder(model.encoder(sound[:, None]))[:, 0]
        initialise_as_klt(model, sound)
        after = model.decoder(model.encoder(sound[:, None]))[:, 0]
    assert float(sdr_db(sound, before).mean()) < 0.1
    assert float(sdr_db(sound, after).mean()) > 10


def test_codebooks_are_filled_from_latents_when_quantising_begins(trainer):
    run = trainer(steps=400)
    before = [book.embed.clone() for book in codebooks(run.model)]
    while run.step < run.first_quantised:
        run.train_step()
    assert all(torch.equal(a, book.embed) for a, book in zip(before, codebooks(run.model), strict=True))
    run.train_step()
    moved = [not torch.equal(a, book.embed) for a, book in zip(before, codebooks(run.model), strict=True)]
    assert moved == [True, True, False, False]


def test_finer_codebooks_take_what_the_first_leave_over(trainer):
    run = trainer()
    latents = run.latent_pool(400)
    initialise_codebooks(run.model, latents, 2)
    first = [book.embed.clone() for book in codebooks(run.model)[:2]]
    initialise_codebooks(run.model, latents, 4, kept=2)
    assert all(torch.equal(a, book.embed) for a, book in zip(first, codebooks(run.model), strict=False))
    left = []
    for books in (2, 4):
        quantizer = run.model.quantizer.vq
        got = quantizer.decode(quantizer.encode(latents.T[None], n_q=books))[0].T
        left.append(float((latents - got).pow(2).mean()))
    assert left[1] < 0.7 * left[0]


@pytest.mark.slow
def test_two_processes_train_one_codec(tmp_path, corpus):
    folder = str(tmp_path / "meeting")
    config = replace(CONFIG, steps=8, processes=2)
    torch.multiprocessing.spawn(_train, (config, corpus, folder, tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert all(torch.equal(first[name], value) for name, value in second.items() if "cluster" not in name)


def _train(rank, config, corpus, meeting, out):
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    run = Trainer(config, TINY, corpus, rank)
    for _ in range(8):
        run.train_step()
    torch.save(run.model.state_dict(), out / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_what_ships_loads_as_the_codec_it_was(trainer, tmp_path):
    run = trainer()
    codec.write(run, tmp_path / "codec", "card")
    loaded = load_encodec(tmp_path / "codec")
    latents = run.latent_pool(50).T[None]
    assert torch.equal(loaded.quantizer.vq.encode(latents, n_q=2), run.model.quantizer.vq.encode(latents, n_q=2))


def test_silence_scores_zero_and_a_perfect_copy_much():
    sound = torch.from_numpy(tones()[0])[None]
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


def synthetic_sources():
    drums = [np.random.default_rng(1).normal(0, 0.1, 60_000).astype(np.float32)]
    return Sources(Bank({}, {}, drums, drums), [np.tile(drums[0], 5)])


def test_an_item_repeats_from_its_seed_and_fits_full_scale(monkeypatch):
    sources = synthetic_sources()
    monkeypatch.setattr(Bank, "instrument", lambda self, rng: (MadeString(rng), "made"))
    for kind in codec_sounds.SHARES:
        monkeypatch.setattr(codec_sounds, "SHARES", {kind: 1.0})
        first, again = (codec_sounds.make_item(sources, np.random.default_rng(5)) for _ in range(2))
        assert (first == again).all()
        assert 0 < np.abs(first).max() <= 1
        assert len(first) == codec_sounds.ITEM_SAMPLES


def test_a_build_cut_short_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(codec_sounds, "SHARES", {"drums": 1.0})
    codec_sounds.build(tmp_path, synthetic_sources(), range(2), seed=0)
    kept = (tmp_path / "00001.npy").stat().st_mtime_ns
    codec_sounds.build(tmp_path, synthetic_sources(), range(3), seed=0)
    assert len(Corpus(tmp_path).items) == 3
    assert (tmp_path / "00001.npy").stat().st_mtime_ns == kept


def test_missing_data_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="needed to train the codec"):
        Sources.load(tmp_path)
    with pytest.raises(ValueError, match="no items"):
        Corpus(tmp_path)
