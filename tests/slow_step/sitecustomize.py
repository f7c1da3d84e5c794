"""Put on PYTHONPATH by the stage: makes one step of the responder as slow as the file $ANTIPHON_SLOW_STEP says."""

import importlib.util
import os
import sys
import time
from pathlib import Path

FLAG = Path(os.environ.get("ANTIPHON_SLOW_STEP", "/nonexistent"))


class _Finder:
    """Finds models.responder.responder as usual and wraps Responder.step once it is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != "models.responder.responder":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            step = module.Responder.step

            def slow(self, x, state):
                if FLAG.exists():
                    seconds = float(FLAG.read_text() or 0)
                    FLAG.unlink(missing_ok=True)
                    time.sleep(seconds)
                return step(self, x, state)

            module.Responder.step = slow

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder())
