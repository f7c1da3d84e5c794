"""Imports run one way: listener <- models <- agent;
inside agent/ and models/ rooms import only the rooms below them.
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("listener", "models", "agent")
ALLOWED = {"listener": {"listener"}, "models": {"models", "listener"}, "agent": {"agent", "models", "listener"}}
ROOM_FILES_MAX = 20

# rooms of agent/ that a room may import, besides itself
AGENT_ROOMS: dict[str, set[str]] = {
    "core": set(),
    "midi": {"core"},
    "mixing": {"core"},
    "recording": {"core", "mixing", "sounds"},
    "sounds": {"core"},
    "directions": {"core", "sounds"},
    "parts": {"core", "directions"},
    "song": {"core", "directions", "parts"},
    "audio": {"core", "midi", "mixing", "sounds"},
    "control": {"core", "midi"},
    "web": {"core", "control", "language", "recording"},
    "language": {"core", "directions", "sounds"},
    "sentences": {"core", "directions", "language"},
    "memory": {"core", "directions"},
    "learn": {"core", "listen", "memory", "takes"},
    "band": {"core", "directions", "parts", "song"},
    "engine": {"core", "midi", "audio", "mixing"},
    "leading": {"core", "parts", "song", "band"},
    "songbook": {"core", "parts", "song"},
    "practice": {"core", "control", "leading"},
    "duet": {"core", "midi", "parts", "song", "band"},
    "mood": {"core", "control", "parts", "song", "band", "leading", "making"},
    "mind": {"core", "directions", "parts", "song", "band", "sounds", "leading", "mood", "duet"},
    "listen": {"core", "audio", "recording"},
    "reply": {"core", "directions", "parts", "song", "band"},
    "takes": {
        "core",
        "sounds",
        "audio",
        "mixing",
        "recording",
        "directions",
        "parts",
        "song",
        "band",
        "language",
        "reply",
    },
    "making": {
        "core",
        "sounds",
        "recording",
        "directions",
        "parts",
        "song",
        "band",
        "language",
        "listen",
        "memory",
        "reply",
        "takes",
    },
    "conversation": {"core", "sounds", "directions", "song", "language", "memory", "takes"},
    "assets": {"core", "audio", "sounds"},
}
AGENT_ROOMS["session"] = set(AGENT_ROOMS)
AGENT_ROOMS["cli"] = {*AGENT_ROOMS, "session"}
MODEL_ROOMS: dict[str, set[str]] = {
    "music": set(),
    "backbones": set(),
    "codec": set(),
    "reader": set(),
    "sounds": set(),
    "corpus": {"music", "codec", "sounds"},
    "timing": {"music", "corpus"},
    "responder": {"music", "backbones", "corpus"},
    "critic": {"music", "corpus"},
}
MODEL_ROOMS["training"] = set(MODEL_ROOMS)
LISTENER_ROOMS: dict[str, set[str]] = {"ears": set(), "rhythm": set(), "timbre": {"ears"}, "music": {"rhythm"}}
ROOMS = {"agent": AGENT_ROOMS, "models": MODEL_ROOMS, "listener": LISTENER_ROOMS}
# rooms of agent/ that know no model: the audio process and what steers it start fast and stay small
NO_MODELS = {"core", "sounds", "midi", "audio", "mixing", "recording", "engine", "control"}


def imports_of(path: Path) -> set[str]:
    """Return the names of all our modules that a file imports, wherever in it, type checks included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def modules(package: str) -> dict[str, Path]:
    """Return dotted name -> file of every module of a package, sub-packages included."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(name: str, package: str) -> str | None:
    """Return the room a module of `package` lies in; None on top of the package and for other packages."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == package and (ROOT / package / parts[1]).is_dir() else None


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    for name, path in modules(package).items():
        strangers = {m for m in imports_of(path) if m.split(".")[0] not in ALLOWED[package]}
        assert not strangers, f"{name} imports {strangers}"


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(package: str) -> None:
    rooms = ROOMS[package]
    for name, path in modules(package).items():
        if room := room_of(name, package):
            assert room in rooms, f"{package}/{room}/ has no line in the table of rooms"
            seen = {r for m in imports_of(path) if (r := room_of(m, package))} - {room}
            assert seen <= rooms[room], f"{name} imports {package}.{seen - rooms[room]}"


def test_the_rooms_stand_in_layers() -> None:
    for rooms in ROOMS.values():
        TopologicalSorter(rooms).prepare()  # raises CycleError


def test_rooms_that_know_no_model_import_none() -> None:
    for name, path in modules("agent").items():
        if room_of(name, "agent") in NO_MODELS:
            models = {m for m in imports_of(path) if m.startswith("models")}
            assert not models, f"{name} imports {models}"


def test_a_room_has_a_door_and_at_most_twenty_files() -> None:
    for package in PACKAGES:
        for folder in [path for path in (ROOT / package).rglob("*") if path.is_dir() and list(path.glob("*.py"))]:
            files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= ROOM_FILES_MAX, f"{folder.relative_to(ROOT)} has {len(files)} files"
            room = (folder / "__init__.py").read_text()
            tree = ast.parse(room)
            assert len(tree.body) == 1 and ast.get_docstring(tree), (
                f"{folder.relative_to(ROOT)}: one docstring, no more"
            )


def test_models_know_only_the_listeners_types_names_files_and_front_end() -> None:
    allowed = (
        "listener.types",
        "listener.names",
        "listener.paths",
        "listener.weight_file",
        "listener.plain_file",
        "listener.ears.frontend",
        "listener.timbre.features",
        "listener.kernel",
        "listener.machine_code",
    )
    for name, path in modules("models").items():
        seen = {m for m in imports_of(path) if m.startswith("listener.")} - {"listener.ears", "listener.timbre"}
        assert all(m.startswith(allowed) for m in seen), f"{name} imports {seen}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycles(package: str) -> None:
    known = modules(package)
    graph = {name: (imports_of(path) & known.keys()) - {name} for name, path in known.items()}
    assert set(TopologicalSorter(graph).static_order()) == set(known)  # raises CycleError


def test_no_module_of_ours_is_imported_behind_the_tests_back() -> None:
    """import_module("models.x") hides an arrow; tables of modules that a command picks from are named here."""
    tables = {"models.train", "models.backbones.registry"}
    known = {name: path for package in PACKAGES for name, path in modules(package).items() if name not in PACKAGES}
    for name, path in known.items():
        text = path.read_text()
        if "import_module" in text and name not in tables:
            strings = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
            assert not strings & known.keys(), f"{name} imports one of {strings & known.keys()} by name"


def test_only_the_config_reader_reads_yaml() -> None:
    readers = [
        name for package in PACKAGES for name, path in modules(package).items() if "import yaml" in path.read_text()
    ]
    assert readers == ["agent.core.yaml_file"]


def test_the_audio_process_imports_no_model() -> None:
    """Neither what it imports nor what that imports, at module level or later."""
    known = {name: path for package in PACKAGES for name, path in modules(package).items()}
    assert "agent.engine.audio_process" in known
    seen, todo = set(), ["agent.engine.audio_process"]
    while todo:
        name = todo.pop()
        if name in known and name not in seen:
            seen.add(name)
            todo += imports_of(known[name])
    assert not {name for name in seen if name.startswith("models.")}
    assert not any("import torch" in known[name].read_text() for name in seen)
