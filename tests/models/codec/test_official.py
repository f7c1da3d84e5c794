"""The official checkpoint's path, proven on a file of the same form:
the package's own architecture, saved as it saves.
"""

import functools
import hashlib
import http.server
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from models.codec import official
from models.codec.codec import Codec
from models.codec.net import CodecConfig, build_encodec, codes_of
from models.codec.official import (
    CONFIG,
    NAME,
    cached,
    fetch,
    is_official,
    load_official,
    load_weights,
    url,
    weights_file,
)
from models.codec.torchaudio_shim import import_encodec


@pytest.fixture(scope="module")
def reference():
    """encodec's own 24 kHz model, untrained; codebooks drawn, as fresh ones are all zeros."""
    import_encodec()
    from encodec import EncodecModel

    torch.manual_seed(3)
    model = EncodecModel.encodec_model_24khz(pretrained=False)
    for layer in model.quantizer.vq.layers:
        layer._codebook.embed.normal_(0, 0.05)
    return model


@pytest.fixture(scope="module")
def checkpoint(reference, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("official") / NAME
    torch.save(reference.state_dict(), path)
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty torch hub; the folder its checkpoints lie in."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def expect(monkeypatch, path: Path) -> None:
    """From now on `path` is what the official file should be."""
    monkeypatch.setattr(official, "SHA256_START", hashlib.sha256(path.read_bytes()).hexdigest()[:8])


def saved(tmp_path: Path, monkeypatch, thing: object) -> Path:
    path = tmp_path / "other.th"
    torch.save(thing, path)
    expect(monkeypatch, path)
    return path


def test_a_file_of_the_packages_model_fits_ours_to_the_last_tensor(reference):
    theirs, ours = reference.state_dict(), build_encodec(CONFIG).state_dict()
    assert {name: t.shape for name, t in theirs.items()} == {name: t.shape for name, t in ours.items()}


def test_name_hash_and_place_are_the_packages_own(monkeypatch):
    """encodec_model_24khz(pretrained=True) is asked what it would download; nothing is."""
    import_encodec()
    from encodec import EncodecModel

    asked = []
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **how: asked.append((url, how)) or {})
    with pytest.raises(RuntimeError, match="Missing key"):
        EncodecModel.encodec_model_24khz()
    assert asked == [(url(), {"map_location": "cpu", "check_hash": True})]
    assert torch.hub.HASH_REGEX.search(NAME).group(1) == official.SHA256_START


def test_it_is_found_in_the_hub_cache_and_by_path(checkpoint, hub, monkeypatch):
    expect(monkeypatch, checkpoint)
    with pytest.raises(FileNotFoundError, match="antiphon weights fetch encodec"):
        load_weights("encodec")
    hub.mkdir(parents=True)
    os.link(checkpoint, hub / NAME)
    found = [load_weights(choice) for choice in ("encodec", str(checkpoint))]
    assert [weights.path for weights in found] == [cached(), checkpoint] == [hub / NAME, checkpoint]
    assert {weights.sha256 for weights in found} == {hashlib.sha256(checkpoint.read_bytes()).hexdigest()}


def test_loaded_it_streams_the_codes_of_the_packages_own_model(checkpoint, reference, monkeypatch):
    expect(monkeypatch, checkpoint)
    samples = np.random.default_rng(0).normal(0, 0.1, 30 * 320)
    codec = Codec(load_official(checkpoint).model.double(), 24.0, np.float64)
    state, streamed = codec.initial_state(), []
    for frame in samples.reshape(-1, 320):
        codes, state = codec.step(frame, state)
        streamed.append(codes)
    wanted = codes_of(reference.double(), torch.from_numpy(samples)).numpy()
    reference.float()
    assert len(np.unique(wanted)) > 50  # no comparison of zeros
    assert (np.stack(streamed, 1) != wanted)[:, 3:].sum() == 0


def test_what_models_codec_may_say():
    assert weights_file(None).is_file()
    assert weights_file("x/y") == weights_file("x/y.json") == Path("x/y.safetensors")
    assert weights_file("x/y.th") == Path("x/y.th")
    assert [is_official(choice) for choice in (None, "encodec", "a.th", "encodec/a")] == [False, True, True, False]


def test_what_ships_is_loaded_with_its_hash():
    weights = load_weights()
    assert weights.sha256 == hashlib.sha256(weights.path.read_bytes()).hexdigest()
    assert not weights.model.training


def test_a_truncated_and_an_altered_file_are_refused(checkpoint, tmp_path, monkeypatch):
    expect(monkeypatch, checkpoint)
    data = checkpoint.read_bytes()
    for wrong in (data[: len(data) // 2], b"", b"\x00" + data[1:]):
        (tmp_path / "wrong.th").write_bytes(wrong)
        with pytest.raises(ValueError, match=f"{len(wrong)} bytes with SHA-256") as refusal:
            load_official(tmp_path / "wrong.th")
        assert "antiphon weights fetch encodec" in str(refusal.value)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("went_off",)


@pytest.mark.parametrize("thing", [{"encoder": Bomb()}, Bomb()])
def test_a_pickle_that_would_run_code_is_refused_even_with_the_right_hash(tmp_path, monkeypatch, thing):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path, monkeypatch, thing)
    with pytest.raises(ValueError, match="tensors alone"):
        load_official(path)
    assert not Path("went_off").exists()


def test_tensors_of_something_else_are_refused(tmp_path, monkeypatch):
    small = build_encodec(CodecConfig()).state_dict()
    for thing, said in (
        (small, "not the weights of EnCodec's 24 kHz"),
        ([1, 2], "holds list"),
        ({"a": 1}, "holds dict"),
    ):
        with pytest.raises(ValueError, match=said) as refusal:
            load_official(saved(tmp_path, monkeypatch, thing))
        assert "\n" not in str(refusal.value)


def test_bytes_that_are_no_pytorch_file_are_refused(tmp_path, monkeypatch):
    for data in (b"", b"<html>404</html>", b"PK\x03\x04 half a zip"):
        (tmp_path / "page.th").write_bytes(data)
        expect(monkeypatch, tmp_path / "page.th")
        with pytest.raises(ValueError, match="not a PyTorch file"):
            load_official(tmp_path / "page.th")


def test_a_folder_or_an_unreadable_place_is_one_clear_line(tmp_path):
    with pytest.raises(OSError, match="cannot be read"):
        load_official(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="not there"):
        load_official(tmp_path / "file" / "inside.th")


# -- fetching ---------------------------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    """/whole gives the file, /cut announces it whole and hangs up half way, /other another file, the rest 404."""

    data = b""

    def do_GET(self) -> None:
        data = {"/whole": self.data, "/cut": self.data[: len(self.data) // 2], "/other": b"no weights"}.get(self.path)
        if data is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data if self.path == "/other" else self.data)))
        self.end_headers()
        self.wfile.write(data)
        return None

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(monkeypatch, tmp_path, hub):
    data = np.random.default_rng(1).bytes(300_000)
    (tmp_path / "data").write_bytes(data)
    expect(monkeypatch, tmp_path / "data")
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Server,), {"data": data}))
    thread = threading.Thread(target=functools.partial(serving.serve_forever, 0.01))
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_it_is_fetched_whole_into_the_hub_cache(server, hub, tmp_path):
    assert fetch(f"{server}/whole", progress=False) == hub / NAME
    assert (hub / NAME).read_bytes() == (tmp_path / "data").read_bytes()
    assert fetch((tmp_path / "data").as_uri(), progress=False) == hub / NAME


@pytest.mark.parametrize("page", ["cut", "other", "absent", "http://127.0.0.1:9/closed", "no url", "file:///none"])
def test_a_failed_download_leaves_nothing(server, hub, page):
    source = page if ":" in page or " " in page else f"{server}/{page}"
    with pytest.raises((OSError, ValueError)):
        fetch(source, progress=False)
    assert not hub.exists() or list(hub.iterdir()) == []


def test_a_failed_download_leaves_what_was_there(server, hub):
    fetch(f"{server}/whole", progress=False)
    before = (hub / NAME).read_bytes()
    with pytest.raises(ValueError, match="hash"):
        fetch(f"{server}/cut", progress=False)
    assert [path.name for path in hub.iterdir()] == [NAME] and (hub / NAME).read_bytes() == before


def test_ctrl_c_leaves_nothing(server, hub, monkeypatch):
    class Hash:
        def update(self, data: bytes) -> None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(torch.hub.hashlib, "sha256", Hash)
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{server}/whole", progress=False)
    assert list(hub.iterdir()) == []
