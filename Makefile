# Two commands do all the set-up: `make jam` and `make test`. ARGS="..." passes flags to antiphon.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBIAN := libportaudio2 libfluidsynth3 jackd2 fluidsynth fluid-soundfont-gm
DEBIAN_TESTS := timgm6mb-soundfont fluidr3mono-gm-soundfont
ARGS ?=

.PHONY: jam test test-all lint bench train clean system system-tests

jam: $(VENV)/.installed system
	$(BIN)/antiphon jam $(ARGS)

test: $(VENV)/.dev system-tests
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow and not rig"
	$(BIN)/pytest -m "rig and not slow"

test-all: $(VENV)/.dev system-tests
	$(BIN)/pytest -n 2 --dist loadfile -m "not rig"
	$(BIN)/pytest -m rig

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev system
	for script in responder listening latency; do $(BIN)/python benchmarks/$$script.py; done

train: $(VENV)/.dev
	$(BIN)/python -m models.data --sound 87
	$(BIN)/python -m models.train responder

# pip only: uv and poetry do not find PyTorch's CPU wheel (constraints.txt)
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Antiphon needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -e .
	@echo "compiling the ears and the codec, once ..."
	$(BIN)/python -c 'from listener import analyzer; from models.codec import codec; analyzer.warm_up(); codec.warm_up()'
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	touch $@

# the Debian libraries under sounddevice and pyfluidsynth; where apt-get may not run, one line says what to install
system:
	@.ci/system $(DEBIAN)

system-tests:
	@.ci/system $(DEBIAN) $(DEBIAN_TESTS)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache data_cache checkpoints benchmarks/renders
