"""What stands behind an outlet."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

Item_contra = TypeVar("Item_contra", contravariant=True)


@runtime_checkable
class Consumer(Protocol[Item_contra]):
    """Takes one item after the other, all on the thread of its outlet. It may be slow, hang, or raise."""

    def take(self, item: Item_contra, /) -> object:
        """Do what is to be done with one item; an exception counts it as failed, and the next one comes."""

    def close(self) -> object:
        """Called once, after the last item."""


class Kept(NamedTuple):
    """What became of the items that a consumer took without an error.

    ``sent`` have arrived, ``waiting`` are kept for later, ``dropped`` were kept and had to make room,
    ``failed`` could not be used. ``error`` is the last one; empty if there was none.
    """

    sent: int = 0
    waiting: int = 0
    dropped: int = 0
    failed: int = 0
    error: str = ""


@runtime_checkable
class Keeper(Protocol):
    """A consumer that keeps items for later, on a disk say, and therefore counts for itself."""

    def kept(self) -> Kept:
        """The counts of one moment; called by any thread."""


@runtime_checkable
class Ending(Protocol):
    """A consumer that wants to know when its outlet ends."""

    def ending(self) -> object:
        """Called by any thread, before the last items come: nobody waits for long any more."""
