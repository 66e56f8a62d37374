"""Names of events: topics on the wire, and the streams of a publisher that they belong to."""

from __future__ import annotations

import re

_IDL_LEVEL = re.compile(r"\.idl\d+_(?=[^.]*$)")


def stream_of(topic: str) -> str:
    """The publisher's name of a topic: ``dev/attr.idl5_change`` is the stream ``dev/attr.change``.

    Lower case, as Tango names are compared without regard to case.
    """
    return _IDL_LEVEL.sub(".", topic).lower()
