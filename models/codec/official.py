"""Find, fetch and load the official 24 kHz EnCodec weights (arXiv:2210.13438), which do not ship with Antiphon.

The encodec package names the file and where it comes from; it keeps it in torch hub's cache (TORCH_HOME) and checks it
against the start of its SHA-256, which is in the name. Antiphon does the same, but unpickles nothing that is not a
tensor.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import socket
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request

from listener.weight_file import stem_of
from models.codec.codec import WEIGHTS
from models.codec.shape import CodecConfig, load_parts

if TYPE_CHECKING:
    import torch

NAME = "encodec_24khz-d7cc33bc.th"  # as in encodec.EncodecModel.encodec_model_24khz
SHA256_START = "d7cc33bc"
CONFIG = CodecConfig(n_filters=32, dim=128, n_codebooks=32)
CHOICE = "encodec"  # the setting models.codec for the official weights, wherever torch hub keeps them
STALL_S = 30.0  # a server that says nothing for so long has gone away
FETCH = "get it with `antiphon weights fetch encodec`"


@dataclass(frozen=True, slots=True)
class CodecWeights:
    """Official weights as read.

    model: encodec.EncodecModel in eval mode, or CodecParts. path: the file of the weights, sha256: its hash.
    """

    model: Any
    path: Path
    sha256: str


def cached() -> Path:
    """Return where torch hub keeps the official weights, whether they are there or not.

    The rule is that of torch.hub.get_dir, said here so that the place is known without PyTorch.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))
    return Path(home) / "hub" / "checkpoints" / NAME


def url() -> str:
    """Return the address from which the encodec package downloads them."""
    from models.codec.torchaudio_shim import import_encodec

    import_encodec()
    from encodec.model import ROOT_URL

    return f"{ROOT_URL}{NAME}"


def is_official(choice: str | Path | None) -> bool:
    """Return whether the setting models.codec names official weights: the word `encodec`, or a path ending in .th."""
    return choice is not None and (str(choice) == CHOICE or Path(choice).suffix == ".th")


def weights_file(choice: str | Path | None) -> Path:
    """Return the file that the setting models.codec names.

    None: what ships; `encodec` or FILE.th: official weights; anything else: one of our checkpoints.
    """
    if is_official(choice):
        return cached() if str(choice) == CHOICE else Path(str(choice))
    stem = stem_of(choice or WEIGHTS)
    return stem.with_name(f"{stem.name}.safetensors")


def load_weights(choice: str | Path | None = None, in_torch: bool = True) -> CodecWeights:
    """Load the weights that the setting models.codec names (see weights_file).

    in_torch: as an encodec.EncodecModel; else one of our checkpoints is read without PyTorch, as CodecParts. Official
    weights need it. FileNotFoundError, OSError or ValueError in one line.
    """
    path = weights_file(choice)
    if is_official(choice):
        return load_official(path)
    stem = stem_of(choice or WEIGHTS)
    if in_torch:
        from models.codec.net import load_encodec

        return CodecWeights(load_encodec(stem), path, hashlib.sha256(path.read_bytes()).hexdigest())
    model = load_parts(stem)
    return CodecWeights(model, path, hashlib.sha256(path.read_bytes()).hexdigest())


def load_official(path: str | Path | None = None) -> CodecWeights:
    """Load the official checkpoint at `path`, in torch hub's cache when None; hashed and read once, weights_only.

    FileNotFoundError: not there. ValueError: truncated, altered or foreign.
    """
    from models.codec.net import build_encodec

    path = Path(path) if path is not None else cached()
    data = _read(path)
    sha256 = check_hash(path, data)
    model = build_encodec(CONFIG)
    try:
        model.load_state_dict(_tensors(path, data))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()[:160]
        raise ValueError(f"{path}: not the weights of EnCodec's 24 kHz model ({reason}); {FETCH}") from None
    return CodecWeights(model.eval(), path, sha256)


def check_hash(path: Path, data: bytes) -> str:
    """Return the SHA-256 of data; ValueError where it is not the official file's."""
    sha256 = hashlib.sha256(data).hexdigest()
    if not sha256.startswith(SHA256_START):
        raise ValueError(
            f"{path}: {len(data)} bytes with SHA-256 {sha256[:8]}, the official file has {SHA256_START}: "
            f"truncated, altered or another file; {FETCH}"
        )
    return sha256


def fetch(source: str | None = None, progress: bool = True) -> Path:
    """Download the official weights into torch hub's cache (from `source`, else url()); return their path.

    They get their name only when whole and with the right hash; a partial file is removed after a failure or Ctrl-C.
    OSError: no connection, no room, no such page. ValueError: what came is not the file, or source is no URL.
    """
    import torch

    target, source = cached(), source or url()
    Request(source)  # raises ValueError before anything is written
    target.parent.mkdir(parents=True, exist_ok=True)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_S)
    try:
        torch.hub.download_url_to_file(source, str(target), SHA256_START, progress)
    except RuntimeError as error:  # torch hub's word for a wrong hash
        raise ValueError(f"what came is cut short or another file ({error})") from None
    except HTTPException as error:
        raise OSError(f"the server broke off ({error!r})") from None
    finally:
        socket.setdefaulttimeout(patience)
    return target


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: the official EnCodec weights are not there; {FETCH}") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); {FETCH}") from None


def _tensors(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    import torch

    try:
        tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ValueError(f"{path}: not a PyTorch file of tensors alone ({reason}); {FETCH}") from None
    if not isinstance(tensors, dict) or not all(isinstance(one, torch.Tensor) for one in tensors.values()):
        raise ValueError(f"{path}: holds {type(tensors).__name__}, not a table of named tensors; {FETCH}")
    return tensors
