"""The work-around is used only when the plain import of torchaudio fails."""

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_encodec_and_resample_work_whatever_torchaudio_links():
    code = (
        "from models.codec.torchaudio_shim import import_encodec; e = import_encodec(); import torch, torchaudio;"
        "print(torchaudio.transforms.Resample(48000, 24000)(torch.zeros(1, 480)).shape[1], e.EncodecModel.__name__)"
    )
    assert run(code) == "240 EncodecModel"


def test_a_library_that_cannot_be_loaded_is_gone_round():
    code = (
        "import sys, torch\n"
        "def refuse(path): raise OSError('libc10_cuda.so: cannot open shared object file')\n"
        "torch.ops.load_library = refuse\n"
        "from models.codec.torchaudio_shim import import_torchaudio\n"
        "t = import_torchaudio(); print(sys.modules['torchaudio._extension.utils']._load_lib('_torchaudio'))"
    )
    assert run(code) == "False"


def test_a_plain_import_that_works_is_left_alone():
    code = (
        "import sys, types\n"
        "fine = types.ModuleType('torchaudio'); sys.modules['torchaudio'] = fine\n"
        "from models.codec.torchaudio_shim import import_torchaudio\n"
        "print(import_torchaudio() is fine, 'torchaudio._extension.utils' in sys.modules)"
    )
    assert run(code) == "True False"


def test_a_missing_torchaudio_stays_an_import_error():
    code = (
        "import sys; sys.modules['torchaudio'] = None\n"
        "from models.codec.torchaudio_shim import import_torchaudio\n"
        "try: import_torchaudio()\n"
        "except ImportError: print('ImportError')"
    )
    assert run(code) == "ImportError"


def test_another_failure_of_the_import_is_shown_as_it_is():
    code = (
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torchaudio': raise OSError('disk on fire')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from models.codec.torchaudio_shim import import_torchaudio\n"
        "try: import_torchaudio()\n"
        "except OSError as error: print(error)"
    )
    assert run(code) == "disk on fire"
