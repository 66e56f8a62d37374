"""``time_it``: durations of blocks, functions, coroutines and generators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from stem_device.telemetry.buffer import add_sample, buffer

Decorated = TypeVar("Decorated")
_NOT_ENTERED = -1


class time_it:  # noqa: N801 - its users write it so
    """Times a block or whatever it decorates, under ``label``.

    ``with time_it("x"):`` and ``async with`` time the block; use a new one for each block. As a decorator it
    times every call, from the call to the return; of a coroutine from the first step to the end, of a
    generator (plain or asynchronous) from its first value being asked for to its end, whoever took the time.
    Nothing is measured while telemetry is off. An exception ends a sample as a return does.
    """

    __slots__ = ("_began", "_label", "_outer")

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = _NOT_ENTERED
        self._outer: list[int] | None = None

    def __enter__(self) -> Self:
        if self._began != _NOT_ENTERED:  # a block within its own block
            self._outer = [*(self._outer or ()), self._began]
        self._began = perf_counter_ns() if buffer.on else 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = perf_counter_ns()
        began = self._began
        self._began = self._outer.pop() if self._outer else _NOT_ENTERED
        if began > 0 and buffer.on and (len(buffer.samples) < buffer.threshold or buffer.make_room()):
            buffer.samples.extend((time_ns(), stopped - began, self._label))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Decorated) -> Decorated:
        """``function``, timed; also a ``staticmethod`` or ``classmethod``."""
        return cast(Decorated, timed(function, self._label))


def timed(function: Any, label: str) -> Any:
    """What does as ``function`` does and times it."""
    if isinstance(function, staticmethod | classmethod):
        return type(function)(timed(function.__func__, label))
    if inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, label)
    elif inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, label)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, label)
    elif callable(function):
        wrapper = _call(function, label)
    else:
        raise TypeError(f"time_it times functions, and not {type(function).__name__}")
    return functools.wraps(function)(wrapper)


def _call(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if not buffer.on:
            return function(*args, **kwargs)
        began = perf_counter_ns()
        try:
            return function(*args, **kwargs)
        finally:
            add_sample(label, perf_counter_ns() - began)

    return call


def _coroutine(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with time_it(label):
            return await function(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with time_it(label):
            return (yield from function(*args, **kwargs))

    return call


def _async_generator(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        with time_it(label):
            try:
                value = await anext(generator)
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - thrown in, and passed on
                        value = await generator.athrow(error)
                    else:
                        value = await generator.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await generator.aclose()

    return call
