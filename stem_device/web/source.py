"""What the port shows: a monitor, or recordings."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from stem_device.catalogue import Details
from stem_device.errors import StemError
from stem_device.model.snapshot import Snapshot


class NotReadyError(StemError):
    """There is nothing to show yet; ask again later."""


class Content(NamedTuple):
    """Bytes that are ready to be sent."""

    body: bytes
    media_type: str


class Health(NamedTuple):
    """``alive``: it does its work; ``ready``: it has something to show. ``told`` says more, as JSON."""

    alive: bool
    ready: bool
    told: dict[str, Any]


class Source(Protocol):
    """Every method may be called from any thread; all but ``health`` may take some time.

    None of them asks anything of Tango.
    """

    def health(self) -> Health:
        """At once."""

    def snapshot(self) -> Snapshot:
        """The latest one. Raises NotReadyError."""

    def ready_metrics(self, accept: str, details: Details) -> Content | None:
        """At once; None where they have to be rendered first."""

    def metrics(self, accept: str, details: Details) -> Content:
        """In the format that an Accept header asks for. Raises NotReadyError."""

    def page(self) -> bytes:
        """The report page. Raises NotReadyError, MissingExtraError, or StemError if it cannot be made."""

    def close(self) -> None:
        """End what is under way."""
