"""stem-device: counts the Tango events that were published, received and missed."""

from __future__ import annotations

# As in the module typing, which takes longer to import than all else here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from stem_device.reading import open_recording

    __version__: str

__all__ = ["__version__", "open_recording"]


def __getattr__(name: str) -> object:
    """``open_recording`` and ``__version__``, imported when they are first asked for (PEP 562)."""
    if name == "open_recording":
        from stem_device import reading  # noqa: PLC0415

        return reading.open_recording
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - takes longer than all the rest

        return version("stem-device")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
