"""The rules in the order in which they are asked: the first that knows the cause names it.

Who does not run explains everything else; then which life a number belongs to; then how fast events come.
"""

from __future__ import annotations

from collections.abc import Callable

from stem_device.analysis.causes.facts import Case
from stem_device.analysis.causes.named import Named
from stem_device.analysis.causes.rules_of_lives import (
    connecting,
    former_life,
    never_connected,
    not_running,
    publisher_gone,
    renewed,
    restarted,
    starting,
)
from stem_device.analysis.causes.rules_of_pace import (
    burst,
    callback_slow,
    collector_slow,
    consumer_blocked,
    discarded,
    unknown,
)

Rule = Callable[[Case], Named | None]

RULES: tuple[Rule, ...] = (
    not_running,
    starting,
    publisher_gone,
    renewed,
    restarted,
    former_life,
    never_connected,
    discarded,
    collector_slow,
    consumer_blocked,
    callback_slow,
    burst,
    connecting,
)


def name_cause(case: Case) -> Named:
    """The cause of one subscription's losses or waiting; ``unknown`` if no rule knows."""
    for rule in RULES:
        named = rule(case)
        if named is not None:
            return named
    return unknown(case)
