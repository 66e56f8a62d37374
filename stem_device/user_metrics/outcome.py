"""What became of a batch of points."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

MAX_ERRORS = 100
"""Rejections that an answer tells one by one; the counts are of all."""


class Rejection(Struct, frozen=True):
    """Points of one element that were not taken, and why."""

    metric: str
    points: int
    error: str


class Outcome(Struct, frozen=True):
    """Points taken, points rejected, and the first 100 reasons."""

    success: int
    failed: int
    errors: tuple[Rejection, ...] = ()

    def json(self) -> bytes:
        """``{"success", "failed", "errors": [{"metric", "points", "error"}]}``."""
        return msgspec.json.encode(self)

    def as_put(self, *, details: bool) -> dict[str, Any]:
        """As OpenTSDB's put answers with ``?summary`` or ``?details``."""
        told: dict[str, Any] = {"success": self.success, "failed": self.failed}
        if details:
            told["errors"] = [
                {"datapoint": {"metric": one.metric}, "error": one.error} for one in self.errors
            ]
        return told
