"""Names of events: topics on the wire, the streams of a publisher that they belong to, and whose they are."""

from __future__ import annotations

import re

NO_DATABASE = "#dbase=no"
"""What Tango puts behind names of devices and attributes of a server without a database."""

_SCHEME = "tango://"
_IDL_LEVEL = re.compile(r"\.idl\d+_(?=[^.]*$)")


def stream_of(topic: str) -> str:
    """The publisher's name of a topic: ``dev/attr.idl5_change`` is the stream ``dev/attr.change``.

    Lower case, as Tango names are compared without regard to case.
    """
    return _IDL_LEVEL.sub(".", topic).lower()


def local_name(name: str) -> str:
    """``dev/attr.change`` of ``tango://host:port/dev/attr#dbase=no.change``: what does not say whose it is.

    Of a device, an attribute, a stream or a topic, in the case that it has.
    """
    if name.startswith(_SCHEME):
        name = name.removeprefix(_SCHEME).partition("/")[2]
    return name.replace(NO_DATABASE, "")
