"""How long clients may take."""

from __future__ import annotations

from typing import NamedTuple


class Patience(NamedTuple):
    """How many seconds a client may take, and how many a server for its own part.

    ``request``: from the connection to the end of a request, and for a handshake of TLS. ``answer``: to read
    an answer, which may be some megabytes through a slow tunnel. ``idle``: between two requests; Prometheus
    asks every 15 s or once a minute. ``work``: to make an answer; a report page of hours takes its time.
    """

    request: float = 20.0
    answer: float = 60.0
    idle: float = 75.0
    work: float = 180.0
