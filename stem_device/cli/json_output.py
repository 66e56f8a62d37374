"""JSON on standard output, in ASCII: escapes are the same to every reader, and fit into every encoding."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec


def print_json(document: Any) -> None:
    """One line; numbers that have no value are null."""
    text = msgspec.json.encode(document).decode()
    # Seldom needed, and several times as slow: escapes for what is not ASCII.
    sys.stdout.write((text if text.isascii() else json.dumps(json.loads(text), separators=(",", ":"))) + "\n")
