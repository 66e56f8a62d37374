"""What stands behind an outlet."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

Item_contra = TypeVar("Item_contra", contravariant=True)


@runtime_checkable
class Consumer(Protocol[Item_contra]):
    """Takes one item after the other, all on the thread of its outlet. It may be slow, hang, or raise."""

    def take(self, item: Item_contra, /) -> object:
        """Do what is to be done with one item; an exception counts it as failed, and the next one comes."""

    def close(self) -> object:
        """Called once, after the last item."""
