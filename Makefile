# Two commands do all the set-up: `make jam` and `make test`. ARGS="..." passes flags to antiphon.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBIAN := libportaudio2 libfluidsynth3 jackd2 fluidsynth fluid-soundfont-gm
DEBIAN_TESTS := timgm6mb-soundfont fluidr3mono-gm-soundfont
QUIET := -qq --no-warn-script-location --disable-pip-version-check --root-user-action=ignore
QUIETLY := -q --disable-pip-version-check
ARGS ?=

.PHONY: jam test test-all lint bench train demo docs docs-pages wheel lock audit clean system system-tests

jam: $(VENV)/.installed system
	@$(BIN)/antiphon jam $(ARGS)

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

# the sound and the picture of the README, from the take that ships
demo: $(VENV)/.installed system
	$(BIN)/python docs/make_demo.py

# docs/commands.md, configuration.md, benchmarks.md and the figures of the README (tests/test_docs.py fails when they are stale)
docs-pages: $(VENV)/.installed
	$(BIN)/python docs/generate.py

# the pages as a site, build/site: strict, links checked, and nothing is fetched
docs: $(VENV)/.docs
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open build/site/index.html, or: $(BIN)/mkdocs serve"

# dist/antiphon-VERSION-py3-none-any.whl, and VERSION+playing, which asks for nothing that only training needs
wheel: $(VENV)/.installed
	@rm -rf build/lib build/bdist.* dist
	@$(BIN)/pip wheel $(QUIETLY) --no-deps -w dist .
	@$(BIN)/python packaging/playing_wheel.py dist/antiphon-*.whl >/dev/null
	@ls dist/*.whl

# what playing needs, with hashes, for Python 3.11 to 3.14 and every platform that has wheels
lock: $(VENV)/.installed
	@$(BIN)/pip install $(QUIET) -c constraints.txt uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--excludes packaging/training.txt pyproject.toml -o requirements.lock

# known faults of what playing needs; a package that could not be looked up is a failure, too
audit: $(VENV)/.installed
	@$(BIN)/pip install $(QUIET) -c constraints.txt pip-audit
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

# pip only: uv and poetry do not find PyTorch's CPU wheel (constraints.txt)
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Antiphon needs Python 3.11 or newer; try make PYTHON=python3.11")'
	@echo "set-up 1 of 4: making a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "set-up 2 of 4: installing PyTorch for the CPU, some 200 MB (a few minutes)"
	@$(BIN)/pip install $(QUIET) -c constraints.txt torch
	@echo "set-up 3 of 4: installing Antiphon and the other libraries"
	@$(BIN)/pip install $(QUIET) -c constraints.txt -e .
	@echo "set-up 4 of 4: compiling the ears, the codec and the sound card's callback, once (a minute)"
	@$(BIN)/python -c 'from listener import analyzer; from models.codec import codec; from agent.audio import card_callback; analyzer.warm_up(); codec.warm_up(); card_callback.address()'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "installing what tests and lint need"
	@$(BIN)/pip install $(QUIET) -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	@$(BIN)/pip install $(QUIET) -c constraints.txt -e '.[docs]'
	@touch $@

# the Debian libraries under sounddevice and pyfluidsynth; where apt-get may not run, one line says what to install
system:
	@.ci/system $(DEBIAN)

system-tests:
	@.ci/system $(DEBIAN) $(DEBIAN_TESTS)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache data_cache checkpoints benchmarks/renders
