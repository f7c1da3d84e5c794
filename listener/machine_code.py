"""Keeps the machine code that numba made, and loads it with LLVM's linker alone.

A file holds the object code of one function for one kind of arguments, and what numba keeps beside it: its entry point
and the environments (global variables of the code that point to Python's constants). It lies where numba keeps its
own: in __pycache__ beside the source, or in NUMBA_CACHE_DIR. A file of other versions, of another processor or of
another source is not used; where anything about it is unknown numba itself does the work.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar, TypeVarTuple

import numpy as np

T = TypeVar("T")
R = TypeVar("R")
Args = TypeVarTuple("Args")
FORMAT = 1
VARIABLE = "NUMBA_CACHE_DIR"
_environments: list[Any] = []  # alive as long as the code that points to them


@dataclass(frozen=True, slots=True)
class Source(Generic[*Args, R]):
    """What is compiled: a function, numba's options, and the kinds of its arguments in words."""

    function: Callable[[*Args], R]
    options: str
    kinds: str

    @property
    def stamp(self) -> str:
        """Changes with the text of the function's module."""
        return _digest(Path(self.function.__code__.co_filename).read_bytes())

    @property
    def file(self) -> Path:
        source = Path(self.function.__code__.co_filename)
        given = os.environ.get(VARIABLE)
        folder = Path(given) / "kernels" if given else source.parent / "__pycache__"
        told = _digest("|".join((*_platform(), self.options, self.kinds)).encode())
        return folder / f"{source.stem}.{self.function.__qualname__}.{told[:16]}.kernel"


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an object file. environments: (symbol, names of the NumPy types that it holds)."""

    format: int
    stamp: str
    digest: str  # of the object code: LLVM would crash on damaged code
    entry: str
    environment: str
    environments: list[tuple[str, list[str]]]
    needs: list[str]  # symbols that it takes from outside
    fft: str  # the file of rocket-fft's library that it was compiled for, "" = none


def loaded(source: Source[*Args, R]) -> Callable[[*Args], R] | None:
    """Return the function's machine code from its file; None where there is none that fits."""
    return _read(source, _function)


def loaded_address(source: Source[*Args, R]) -> int | None:
    """Return the address of a C function's machine code from its file; None where there is none that fits."""
    return _read(source, lambda _, header: int(_runtime().engine.get_function_address(header.entry)))


def _read(source: Source[*Args, R], made: Callable[[Source[*Args, R], Header], T]) -> T | None:
    try:
        head, code = source.file.read_bytes().split(b"\n", 1)
        header = Header(**json.loads(head))
        if (header.format, header.stamp, header.digest) != (FORMAT, source.stamp, _digest(code)):
            return None
        return made(source, header) if _linked(header, code) else None
    except (OSError, ValueError, TypeError, ImportError, AttributeError, RuntimeError):
        return None


def compiled(source: Source[*Args, R], dispatcher: Any, args: tuple[*Args]) -> Callable[[*Args], R]:
    """Compile a function with numba for such arguments, and keep the code for the next process."""
    function: Callable[[*Args], R] = dispatcher
    if isinstance(dispatcher, FunctionType):  # NUMBA_DISABLE_JIT
        return function
    kinds = tuple(dispatcher.typeof_pyval(arg) for arg in args)
    dispatcher.compile(kinds)
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError, OSError, ImportError):
        result = dispatcher.overloads[kinds]
        environments = [(env.env_name, list(env.consts)) for env in result._find_referenced_environments()]
        own = result.environment.env_name
        _keep(source, result.library, result.fndesc.llvm_cpython_wrapper_name, own, environments)
    return function


def compiled_address(source: Source[*Args, R], c_function: Any) -> int:
    """Keep the code of numba's C function for the next process; return its address."""
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError, OSError, ImportError):
        _keep(source, c_function._library, c_function.native_name, "", [])
    return int(c_function.address)


def _keep(
    source: Source[*Args, R], library: Any, entry: str, own: str, environments: list[tuple[str, list[Any]]]
) -> None:
    """Write down numba's result. Raises ValueError for what cannot be kept."""
    code, _ = library.serialize_using_object_code()[2]
    module = library._final_module
    for _, constants in environments:
        if not all(isinstance(one, np.dtype) and one.names is None for one in constants):
            raise ValueError("constants that are no types of numbers")
    needs = [one.name for one in module.functions if one.is_declaration and not one.name.startswith("llvm.")]
    needs += [one.name for one in module.global_variables if one.is_declaration]
    kept = [(name, [one.str for one in constants]) for name, constants in environments]
    fft = Path(sys.modules["rocket_fft._native"].LIBRARY_PATH).name if any(n.startswith("rf_") for n in needs) else ""
    header = Header(FORMAT, source.stamp, _digest(code), entry, own, kept, needs, fft)
    _write(source.file, json.dumps(asdict(header)).encode() + b"\n" + bytes(code))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.replace(name, path)


@cache
def _platform() -> tuple[str, ...]:
    """Return what machine code depends on besides its source."""
    from importlib.metadata import version  # heavy, and only where there is a kernel to run

    from llvmlite import binding

    versions = [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy", "rocket-fft")]
    features = binding.get_host_cpu_features().flatten()
    return (sys.version, *versions, binding.get_process_triple(), binding.get_host_cpu_name(), features)


def _linked(header: Header, code: bytes) -> bool:
    """Load object code into this process. False where a symbol is missing: LLVM would end the process."""
    from llvmlite import binding

    runtime = _runtime()
    if header.fft and not runtime.fft(header.fft):
        return False
    if not all(binding.address_of_symbol(name) for name in header.needs):
        return False
    runtime.engine.add_object_file(binding.ObjectFileRef.from_data(code))
    runtime.engine.finalize_object()
    return True


def _function(source: Source[*Args, R], header: Header) -> Callable[[*Args], R]:
    """Return a Python function that calls code which is linked."""
    runtime = _runtime()
    parts, known = runtime.parts["_dynfunc"], source.function.__globals__
    mine = parts.Environment(known)
    for name, types in header.environments:
        environment = mine if name == header.environment else parts.Environment(known)
        environment.consts[:] = [np.dtype(one) for one in types]
        _environments.append(environment)
        place = ctypes.c_void_p.from_address(runtime.engine.get_global_value_address(name))
        place.value = id(environment)
    entry = runtime.engine.get_function_address(header.entry)
    module, text = sys.modules[source.function.__module__], source.function.__doc__ or ""
    made: Callable[[*Args], R] = parts.make_function(module, source.function.__name__, text, entry, mine, (runtime,))
    return made


@cache
def _runtime() -> Runtime:
    return Runtime()


class Runtime:
    """LLVM's linker, and the parts of numba in C that compiled code calls, without numba's Python. Raises ImportError
    or AttributeError where a version of numba has none of these."""

    def __init__(self) -> None:
        from llvmlite import binding

        self.parts = dict(_parts())
        with _unpickling():
            nothing = pickle.dumps(None)
            unpickle = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
            unpickle(self.parts["_helperlib"].c_helpers["unpickle"])(nothing, len(nothing), bytes(20))
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        for name, prefix in (("_helperlib", "numba_"), ("_dynfunc", "numba_"), ("_nrt_python", "NRT_")):
            for symbol, address in self.parts[name].c_helpers.items():
                own = name == "_nrt_python" and symbol.startswith("_")
                binding.add_symbol(symbol if own else prefix + symbol, address)
        binding.add_symbol("_Py_NoneStruct", id(None))
        for one in vars(__import__("builtins")).values():
            if isinstance(one, type) and issubclass(one, BaseException):
                binding.add_symbol(f"PyExc_{one.__name__}", id(one))
        for symbol, address in self.parts["_helperlib"].c_helpers.items():
            if not binding.address_of_symbol(symbol):
                binding.add_symbol(symbol, address)
        target = binding.Target.from_triple(binding.get_process_triple())
        self._module = binding.parse_assembly("")
        self.engine = binding.create_mcjit_compiler(self._module, target.create_target_machine())

    @cache  # noqa: B019 (there is one)
    def fft(self, name: str) -> bool:
        """Load rocket-fft's library of this name; whether it is there."""
        from llvmlite import binding

        found = importlib.util.find_spec("rocket_fft")
        path = Path(found.origin or "").parent / name if found else Path(name)
        if not path.exists():
            return False
        get_api = ctypes.CFUNCTYPE(ctypes.c_void_p)(self.parts["_nrt_python"].c_helpers["get_api"])
        library = ctypes.CDLL(str(path))
        library.rf_set_nrt_api.argtypes = [ctypes.c_void_p]
        library.rf_set_nrt_api(get_api())
        binding.load_library_permanently(str(path))
        return True


def _parts() -> Iterator[tuple[str, ModuleType]]:
    """Load numba's parts in C by their files: importing them by name would load all of numba."""
    found = importlib.util.find_spec("numba")
    if found is None or found.origin is None:
        raise ImportError("numba is not installed")
    for place in ("_dynfunc", "_helperlib", "core/runtime/_nrt_python"):
        yield (
            place.rpartition("/")[2],
            _extension(Path(found.origin).parent / place, f"numba.{place}".replace("/", ".")),
        )


@contextlib.contextmanager
def blas() -> Iterator[None]:
    """While this lasts, compiled code that multiplies matrices for the first time finds BLAS, and keeps it, without all
    of scipy.linalg being imported."""
    name, found = "scipy.linalg.cython_blas", importlib.util.find_spec("scipy")
    if name in sys.modules or found is None or found.origin is None:
        yield
        return
    folder, has_scipy = Path(found.origin).parent, "scipy" in sys.modules
    if not has_scipy:
        stand_in = sys.modules["scipy"] = ModuleType("scipy")
        stand_in.__path__ = [str(folder)]
    try:
        sys.modules[name] = _extension(folder / "linalg" / "cython_blas", name)
        yield
    finally:
        sys.modules.pop(name, None)
        if not has_scipy:
            del sys.modules["scipy"]


@contextlib.contextmanager
def _unpickling() -> Iterator[None]:
    """While this lasts, compiled code finds what reads its constants without importing numba; it keeps it then."""
    names = ("numba", "numba.core.serialize")
    if names[0] in sys.modules:
        yield
        return
    instead = [ModuleType(name) for name in names]
    known: dict[tuple[int, bytes], Any] = {}

    def read(address: int, data: bytes, digest: bytes) -> Any:
        if (address, digest) not in known:
            known[address, digest] = pickle.loads(data)  # from our own code file
        return known[address, digest]

    vars(instead[-1])["_numba_unpickle"] = read
    sys.modules.update(zip(names, instead, strict=True))
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def _extension(place: Path, name: str) -> ModuleType:
    for suffix in EXTENSION_SUFFIXES:
        path = place.with_name(place.name + suffix)
        if path.exists():
            loader = ExtensionFileLoader(name, str(path))
            found = importlib.util.spec_from_file_location(name, path, loader=loader)
            if found:
                module = importlib.util.module_from_spec(found)
                loader.exec_module(module)
                return module
    raise ImportError(f"{place}: no such library")
