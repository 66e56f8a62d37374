"""The colours of the verdict, which say the same in every panel."""

from __future__ import annotations

from typing import Any

from stem_device.analysis.verdict import Level
from stem_device.model.poll import ServerState

CLEAR, UNKNOWN, WAITING, LOST = "green", "#8e8e8e", "orange", "red"
COLOURS = {Level.CLEAR: CLEAR, Level.UNKNOWN: UNKNOWN, Level.WAITING: WAITING, Level.LOST: LOST}

OF_STATES = {
    **{level.word: colour for level, colour in COLOURS.items()},
    ServerState.MONITORED: CLEAR,
    ServerState.UNREACHABLE: WAITING,
    ServerState.NOT_EXPORTED: UNKNOWN,
    ServerState.UNSUPPORTED: UNKNOWN,
    ServerState.FAILING: WAITING,
    ServerState.TAPPED: CLEAR,
}
"""A server that is dead is waited for; of one that was stopped, or cannot be asked, nothing is known."""

NOT_KNOWN: dict[str, Any] = {"text": "unknown", "color": UNKNOWN, "index": 0}
NOTHING: list[dict[str, Any]] = [
    {"type": "special", "options": {"match": "null+nan", "result": NOT_KNOWN}},
]
"""What has no value is said to be unknown, in grey, and is never 0."""


def thresholds(above: str, at: float = 1.0) -> dict[str, Any]:
    """Clear below ``at``, and another colour from there on."""
    return _steps((CLEAR, None), (above, at))


def neutral() -> dict[str, Any]:
    """Of numbers that are neither good nor bad."""
    return _steps(("text", None))


def positions(states: tuple[str, ...]) -> list[dict[str, Any]]:
    """For numbers that are positions of states: the states' names, in their colours."""
    options = {
        str(number): {"text": state, "color": OF_STATES[state], "index": number}
        for number, state in enumerate(states)
    }
    return [{"type": "value", "options": options}, *NOTHING]


def rows(states: tuple[str, ...]) -> list[dict[str, Any]]:
    """For a series a state, which is named as it or ends so: the present one, 1, has its colour."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/(^|: ){state}$/"},
            "properties": [
                {
                    "id": "mappings",
                    "value": [
                        {
                            "type": "value",
                            "options": {
                                "0": {"text": " ", "color": "transparent", "index": 0},
                                "1": {"text": state, "color": OF_STATES[state], "index": 1},
                            },
                        }
                    ],
                }
            ],
        }
        for state in states
    ]


def _steps(*steps: tuple[str, float | None]) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in steps]}
