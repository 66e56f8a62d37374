"""What a point may be: names, labels, values and times. Sender and monitor have the same rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_NAME_CHARACTERS = 200
MAX_LABEL_CHARACTERS = 200
MAX_LABELS = 16
"""Of one point, ``host`` and ``process`` included; OpenTSDB allows 8 unless it is told otherwise."""
OWN_PREFIX = "stem_"
"""Of the monitor's own metrics, which nobody else may write."""

HOST, PROCESS = "host", "process"

_NAME = re.compile(r"[\w./-]+")
"""As in OpenTSDB: letters of any alphabet, digits, and four more."""

EARLIEST_NS = 0
LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01."""

Labels = tuple[tuple[str, str], ...]
"""Name and value of each, in the order of names."""


def name_problem(name: object) -> str:
    """Why this can be no name of a metric; "" if it can."""
    if not isinstance(name, str):
        return f"a name must be a text, and is {type(name).__name__}"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"a name has at most {MAX_NAME_CHARACTERS} characters, and this one has {len(name)}"
    if not _NAME.fullmatch(name):
        return f"a name has letters, digits and any of _ . / - alone, and this one is {name[:60]!r}"
    if name.startswith(OWN_PREFIX):
        return f"names that begin with {OWN_PREFIX} are the monitor's own, as {name[:60]!r}"
    return ""


def labels_problem(labels: Mapping[str, str]) -> str:
    """Why these can be no labels; "" if they can."""
    if len(labels) > MAX_LABELS:
        return f"a point has at most {MAX_LABELS} labels, and this one has {len(labels)}"
    for key, value in labels.items():
        if len(key) > MAX_LABEL_CHARACTERS or not _NAME.fullmatch(key):
            return f"the name of a label has letters, digits and any of _ . / - alone, not {key[:60]!r}"
        if not value or len(value) > MAX_LABEL_CHARACTERS or not value.isprintable():
            return (
                f"a label has 1 to {MAX_LABEL_CHARACTERS} printable characters, and {key[:60]!r} is"
                f" {value[:60]!r}"
            )
    return ""


def nanoseconds(time: float) -> int | None:
    """A time since 1970 UTC in s, ms, us or ns, told apart by its size, in ns; None for what can be no time.

    A number below 10^11 is seconds (until the year 5138), below 10^14 ms, below 10^17 us. Whole numbers lose
    nothing; a fraction of a second has the resolution of a double, 0.2 us.
    """
    if isinstance(time, bool) or not EARLIEST_NS <= time < 2**63:
        return None
    for below, factor in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63, 1)):
        if time < below:
            found = time * factor if isinstance(time, int) else round(time * factor)
            return found if found < LATEST_NS else None
    return None
