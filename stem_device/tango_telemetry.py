"""Telemetry of a Tango device class: every command, attribute access and event callback is a sample.

    @timed_device
    class Motor(Device):
        ...

Works with all green modes: what is timed is what the client waits for, the way to the event loop included.
"""

from __future__ import annotations

import functools
import json
from typing import Any, TypeVar

import tango
from tango.server import DeviceMeta, command, device_property

from stem_device import telemetry
from stem_device.telemetry.settings import Profiler
from stem_device.telemetry.timing import timed

DeviceType = TypeVar("DeviceType", bound=type)

_WORDS = {"runtime", *map(str, Profiler)}
_NO_DIRECTORY = "STEM_NoTelemetryDirectory"
_UNTIMED = "__telemetry_untimed__"
_FAILED = "STEM_TelemetryError"
_timed_classes: list[type] = []


def timed_device(device_class: DeviceType) -> DeviceType:
    """``device_class`` with all that clients and events call timed, and three commands more.

    Labels are ``Class.name [command]``, ``[read]``, ``[write]`` and ``[event]``. The class gets a property,
    ``TelemetryDirectory``: telemetry starts with the first device that has it. Raises TypeError for what is
    no class made with ``tango.server.Device``.
    """
    if not isinstance(device_class, DeviceMeta):
        raise TypeError(f"timed_device times classes of tango.server.Device, and not {device_class!r}")
    kept = {name: getattr(device_class, name) for name in ("__module__", "__qualname__", "__doc__")}
    made = DeviceMeta(device_class.__name__, (device_class,), {**_additions(device_class), **kept})
    for name in dir(made):
        _time(made, name)
    _timed_classes.append(made)
    _time_events()
    return made


def _time(device_class: type, name: str) -> None:
    kind, shown = _kind(device_class, name)
    if kind:
        function = getattr(device_class, name)
        # One sample a call, under the name of the class that is called, also if its base is timed too.
        function = getattr(function, _UNTIMED, function)
        made = timed(function, f"{device_class.__name__}.{shown} [{kind}]")
        setattr(made, _UNTIMED, function)
        setattr(device_class, name, made)


def _kind(device_class: type, name: str) -> tuple[str, str]:
    """What Tango calls ``name`` for, and what clients call that; ("", "") for what Tango does not call."""
    told = getattr(getattr(device_class, name, None), "__tango_command__", None)
    if told is not None:
        return "command", told[0]
    for kind in ("read", "write"):
        if name.startswith(f"__{kind}_") and name.endswith("_wrapper__"):
            return kind, name.removeprefix(f"__{kind}_").removesuffix("_wrapper__")
    return "", ""


def _additions(device_class: Any) -> dict[str, Any]:
    """The property, the commands, and the start where the property says so."""

    def __init__(self: Any, *args: Any) -> None:  # noqa: N807
        device_class.__init__(self, *args)
        if self.TelemetryDirectory and not telemetry.health().on:
            _start(self.TelemetryDirectory, set())

    directory = device_property(dtype=str, default_value="", doc="Directory for telemetry of this server.")
    words = '"", or some of the words runtime, cprofile, sampling, off'
    answer = "JSON: what was written and lost, and the last error"
    return {
        "__init__": __init__,
        "TelemetryDirectory": directory,
        "StartTelemetry": command(StartTelemetry, dtype_in=str, doc_in=words, cmd_green_mode=False),
        "StopTelemetry": command(StopTelemetry, cmd_green_mode=False),
        "QueryTelemetry": command(QueryTelemetry, dtype_out=str, doc_out=answer, cmd_green_mode=False),
    }


def StartTelemetry(self: Any, words: str) -> None:
    """Collect from now on, in the property's directory or the one in use before."""
    directory = self.TelemetryDirectory or telemetry.health().directory
    if not directory:
        tango.Except.throw_exception(
            _NO_DIRECTORY, "the property TelemetryDirectory is empty", "StartTelemetry"
        )
    wanted = set(words.replace(",", " ").lower().split())
    if wanted - _WORDS:
        reason = f"{sorted(wanted - _WORDS)} is none of {sorted(_WORDS)}"
        tango.Except.throw_exception(_FAILED, reason, "StartTelemetry")
    _start(directory, wanted)


def _start(directory: str, words: set[str]) -> None:
    """Tango handles the signals of a server, and ends it so that nothing is lost."""
    profiler = next((word for word in Profiler if word in words), Profiler.OFF)
    try:
        telemetry.start(directory, "runtime" in words, profiler, handle_sigterm=False)
    except telemetry.TelemetryError as error:
        tango.Except.throw_exception(_FAILED, str(error), "StartTelemetry")


def StopTelemetry(self: Any) -> None:  # noqa: ARG001
    """Write what there is and stop."""
    telemetry.stop()


def QueryTelemetry(self: Any) -> str:  # noqa: ARG001
    """How the collecting itself is doing."""
    return json.dumps(telemetry.stats())


def _time_events() -> None:
    """From now on, callbacks of timed classes are timed, whatever proxy they are given to."""
    original = tango.DeviceProxy.subscribe_event
    if hasattr(original, "__telemetry__"):
        return

    @functools.wraps(original)
    def subscribe_event(self: Any, *args: Any, **kwargs: Any) -> Any:
        args = tuple(map(_timed_callback, args))
        return original(self, *args, **{name: _timed_callback(value) for name, value in kwargs.items()})

    subscribe_event.__telemetry__ = True  # type: ignore[attr-defined]
    tango.DeviceProxy.subscribe_event = subscribe_event  # type: ignore[method-assign]


def _timed_callback(value: Any) -> Any:
    """``value``, timed if it is a callback that belongs to a timed class."""
    callback = getattr(value, "push_event", value)
    owner = _owner(callback)
    if owner is None:
        return value
    function = callback.func if isinstance(callback, functools.partial) else callback
    label = f"{owner.__name__}.{function.__name__} [event]"
    return timed(callback, label)


def _owner(callback: Any) -> type | None:
    """The timed class of a method, or of a function that is defined within one."""
    function = callback.func if isinstance(callback, functools.partial) else callback
    instance = getattr(function, "__self__", None)
    for one in reversed(_timed_classes):  # a class comes after those that it is derived from
        if isinstance(instance, one):
            return one
        if not isinstance(function, type) and callable(function):
            named = getattr(function, "__qualname__", "")
            if named.startswith(f"{one.__qualname__}.") and function.__module__ == one.__module__:
                return one
    return None
