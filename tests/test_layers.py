"""Imports run one way: listener <- models <- agent; models see the listener's types, its weight files and, to train its
ears, its front end; no cycles inside."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("listener", "models", "agent")
ALLOWED = {"listener": {"listener"}, "models": {"models", "listener"}, "agent": {"agent", "models", "listener"}}


def imports_of(path: Path) -> set[str]:
    """Every module of ours that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def modules(package: str) -> dict[str, Path]:
    return {f"{package}.{path.stem}": path for path in (ROOT / package).glob("*.py")}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    for name, path in modules(package).items():
        strangers = {m for m in imports_of(path) if m.split(".")[0] not in ALLOWED[package]}
        assert not strangers, f"{name} imports {strangers}"


def test_models_know_only_the_listeners_types_weight_files_and_front_end() -> None:
    for name, path in modules("models").items():
        seen = {m for m in imports_of(path) if m.startswith("listener.")}
        allowed = ("listener.types", "listener.weightfile", "listener.frontend", "listener.timbre_features")
        assert all(m.startswith(allowed) for m in seen), f"{name} imports {seen}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycles(package: str) -> None:
    known = modules(package)
    graph = {name: imports_of(path) & known.keys() for name, path in known.items()}
    assert set(TopologicalSorter(graph).static_order()) == set(known)  # raises CycleError


def test_only_the_config_reader_reads_yaml() -> None:
    readers = [
        name for package in PACKAGES for name, path in modules(package).items() if "import yaml" in path.read_text()
    ]
    assert readers == ["agent.yamlfile"]


def test_the_audio_process_imports_no_model() -> None:
    """What it imports, and what that imports, at module level."""
    known = {name: path for package in PACKAGES for name, path in modules(package).items()}
    seen, todo = set(), ["agent.audio_process"]
    while todo:
        name = todo.pop()
        if name in known and name not in seen:
            seen.add(name)
            todo += imports_of(known[name])
    assert not {name for name in seen if name.startswith("models.")}
    assert not any("import torch" in known[name].read_text() for name in seen)
