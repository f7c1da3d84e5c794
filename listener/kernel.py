"""Compiles functions of numbers and arrays with numba once, and from then on runs their machine code without numba.

Numba and its compiler take 130 MB and a second to load, for code that was compiled long ago. `kernel` is numba's
`njit(cache=True)` with a cache that can be read without them: listener/machine_code.py.

    @kernel(fastmath=True)
    def peak(x): ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import Any, Generic, Literal, TypedDict, TypeVar, TypeVarTuple, Unpack

import numpy as np

from listener import machine_code

Args = TypeVarTuple("Args")
R = TypeVar("R")
Array = np.ndarray
ALIGNED, WRITEABLE = 0x100, 0x400  # of ndarray.flags.num; also 1: C-contiguous, 2: Fortran-contiguous
_compiles = threading.RLock()


class Options(TypedDict, total=False):
    """Numba's options that are used here."""

    fastmath: bool | set[str]
    error_model: Literal["python", "numpy"]


def kernel(**options: Unpack[Options]) -> Callable[[Callable[[*Args], R]], Kernel[*Args, R]]:
    """Return a decorator that makes a Kernel of a function; options: of numba's njit."""

    def compiled(function: Callable[[*Args], R]) -> Kernel[*Args, R]:
        return Kernel(function, options)

    return compiled


class Kernel(Generic[*Args, R]):
    """A compiled function of numbers, arrays and tuples of these. Kernels may call kernels of their own module.

    An array is of another kind if its dtype, its number of axes, or whether it is contiguous or can be written differ.
    """

    def __init__(self, function: Callable[[*Args], R], options: Options) -> None:
        self._function, self._options = function, options
        self._codes: dict[tuple[object, ...], Callable[[*Args], R]] = {}
        self._kinds: dict[str, Callable[[*Args], R]] = {}
        update_wrapper(self, function)

    def __call__(self, *args: *Args) -> R:
        found = self._codes.get(_key(args))
        return (found or self._compiled(args))(*args)

    def code_for(self, *args: *Args) -> Callable[[*Args], R]:
        """Return the code for such arguments, compiled if it must be. It may be called with others of the same kinds
        only, and spares them the look-up: for what is called hundreds of times a second."""
        return self._codes.get(_key(args)) or self._compiled(args)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of arguments that it is compiled for and has been called with in this process."""
        return tuple(self._kinds)

    @cached_property
    def dispatcher(self) -> Any:
        """Return numba's own compiled function; loads numba."""
        from numba import njit

        return njit(**self._options)(self._function)

    @property
    def _numba_type_(self) -> Any:
        """Return what numba asks for where a kernel calls another one."""
        return self.dispatcher._numba_type_

    def _compiled(self, args: tuple[*Args]) -> Callable[[*Args], R]:
        """Return the code for such arguments: known, read from the cache, or compiled now."""
        with _compiles:
            names = [_name(arg) for arg in args]
            if None in names:  # nothing that is kept
                uncompiled: Callable[[*Args], R] = self.dispatcher
                return uncompiled
            kinds = ", ".join(map(str, names))
            if kinds not in self._kinds:
                source = machine_code.Source(self._function, _told(self._options), kinds)
                self._kinds[kinds] = machine_code.loaded(source) or machine_code.compiled(source, self.dispatcher, args)
            return self._codes.setdefault(_key(args), self._kinds[kinds])


def _key(args: tuple[object, ...]) -> tuple[object, ...]:
    """Return what tells arguments apart, quickly; several may mean the same."""
    return tuple(
        [(a.dtype, a.ndim, a.flags.num) if type(a) is Array else _key(a) if type(a) is tuple else type(a) for a in args]
    )


def _told(options: Options) -> str:
    """Return the options in words, the same in every process."""
    return ", ".join(f"{name}={sorted(v) if isinstance(v, set) else v}" for name, v in sorted(options.items()))


def _name(arg: object) -> str | None:
    """Return the kind of an argument in words, None for what no machine code is kept for."""
    if type(arg) is Array:
        flags = arg.flags
        order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        marks = ("" if flags.num & WRITEABLE else " read-only") + ("" if flags.num & ALIGNED else " unaligned")
        return f"{arg.dtype.descr if arg.dtype.names else arg.dtype.str}[{arg.ndim}{order}]{marks}"
    if isinstance(arg, np.generic):
        return str(arg.dtype)
    if type(arg) is tuple:
        inside = [_name(one) for one in arg]
        return None if None in inside else f"({', '.join(map(str, inside))})"
    return type(arg).__name__ if type(arg) in (int, float, bool) else None


class CFunction:
    """A compiled function that C code may call, by its address; it runs without the interpreter's lock.

    names: what the function uses of numba's own, by name; only asked for to compile it.
    """

    def __init__(
        self,
        function: Callable[..., int],
        signature: str,
        names: Callable[[], dict[str, object]],
        options: Options,
    ) -> None:
        self._function, self._signature, self._names, self._options = function, signature, names, options

    @cached_property
    def address(self) -> int:
        """Return its address; 0 where numba is missing."""
        source = machine_code.Source(self._function, _told(self._options), self._signature)
        if (found := machine_code.loaded_address(source)) is not None:
            return found
        try:
            from numba import cfunc
        except ImportError:
            return 0
        known = self._function.__globals__ | self._names()
        function = FunctionType(self._function.__code__, known, self._function.__name__)
        return machine_code.compiled_address(source, cfunc(self._signature, **self._options)(function))


def c_function(
    signature: str, names: Callable[[], dict[str, object]] = dict, **options: Unpack[Options]
) -> Callable[[Callable[..., int]], CFunction]:
    """Return a decorator that compiles a function for C; signature and options: of numba's cfunc."""
    return lambda function: CFunction(function, signature, names, options)
