"""stem-device: counts the Tango events that were published, received and missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stem_device.reading import open_recording

__all__ = ["open_recording"]


def __getattr__(name: str) -> object:
    """``stem_device.open_recording``, imported when it is first asked for (PEP 562)."""
    if name in __all__:
        from stem_device import reading  # noqa: PLC0415

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
