"""Make `import encodec` work beside CPU-only PyTorch.

encodec imports torchaudio, whose Linux wheels link CUDA: the plain import then raises OSError (libc10_cuda.so). Only in
that case the import is done again on torchaudio's own "no extension file" path. Resample, MelSpectrogram and
EncodecModel work there; forced_align, rnnt_loss and torchaudio.load do not.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType

_LOADER = "torchaudio._extension.utils"


def import_torchaudio() -> ModuleType:
    """Import torchaudio, without its compiled extension when that cannot be loaded.

    ImportError as usual if it is absent, OSError when it fails for another reason.
    """
    try:
        return importlib.import_module("torchaudio")
    except OSError:
        if _LOADER not in sys.modules:  # it failed before its extension: nothing that can be gone round
            raise
        return _import_without_extension()


def import_encodec() -> ModuleType:
    """Import the encodec package (0.1.1) beside a CUDA or a CPU-only PyTorch."""
    import_torchaudio()
    return importlib.import_module("encodec")


def _import_without_extension() -> ModuleType:
    loader = sys.modules[_LOADER]  # this module survives the failed import
    for name in [name for name in sys.modules if name.startswith("torchaudio") and name != _LOADER]:
        del sys.modules[name]
    vars(loader)["_load_lib"] = _no_extension
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("torchaudio")


def _no_extension(lib: str) -> bool:
    return False
