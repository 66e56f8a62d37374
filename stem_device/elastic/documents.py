"""Documents, and where they belong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from stem_device.catalogue.snapshot_json import iso_text
from stem_device.text import encodable

FORBIDDEN_IN_INDEX = re.compile(r'[\\/*?"<>|\s,#:]')
"""What a name of an index must not have."""
_ENCODER = msgspec.json.Encoder()
_DAY_NS = 86_400_000_000_000


class Document(Struct, frozen=True, gc=False):
    """One document as it is sent: two lines, of JSON each, without their ends.

    ``action`` names the index and the identity, so that what is sent twice is kept once.
    """

    action: bytes
    body: bytes


def index_name(prefix: str, source: str, utc_ns: int) -> str:
    """``pipeline-eventmonitor-20260131``: by the day in UTC, in lower case as Elasticsearch demands."""
    return _index_of_day(prefix, source, utc_ns // _DAY_NS)


@lru_cache(maxsize=64)
def _index_of_day(prefix: str, source: str, day: int) -> str:
    name = FORBIDDEN_IN_INDEX.sub("_", source.lower())
    return f"{prefix}-{name}-{datetime.fromtimestamp(86_400 * day, UTC):%Y%m%d}"


def document(prefix: str, source: str, utc_ns: int, fields: Mapping[str, Any], identity: str) -> Document:
    """A document of ``source`` (a class name as it is written) with ``@timestamp`` unless ``fields`` have it.

    Fields that are None are left out: what is not known is absent. ``identity`` tells it from all others of
    the same index; two with the same are one.
    """
    known = {
        key: encodable(value) if isinstance(value, str) else value
        for key, value in fields.items()
        if value is not None
    }
    action = {"create": {"_index": index_name(prefix, source, utc_ns), "_id": _short(identity)}}
    body = {"@timestamp": date_text(utc_ns), "source": source, **known}
    return Document(_ENCODER.encode(action), _ENCODER.encode(body))


@lru_cache(maxsize=64)
def date_text(utc_ns: int) -> str:
    """In milliseconds, the resolution of Elasticsearch's type date; all documents of a poll have the same."""
    return iso_text(utc_ns)


def _short(identity: str) -> str:
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
