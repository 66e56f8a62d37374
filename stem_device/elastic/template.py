"""The index template: which type each field has. ``python -m stem_device.elastic.template`` prints it.

Without it Elasticsearch guesses, and takes a field whose first number happens to be whole for one of whole
numbers.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import Any

from stem_device.catalogue import QUANTITIES, Kind, Quantity, Scope, bound_text
from stem_device.elastic.documents import index_name
from stem_device.elastic.poll_documents import SOURCE
from stem_device.elastic.settings import DEFAULT_PREFIX

PRIORITY = 200
"""Above those that people have for ``<prefix>-*``; the ones that Elasticsearch brings have 100."""

KEYWORD = {"type": "keyword"}
TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
"""As Elasticsearch maps texts by itself: dashboards group by ``source.keyword``."""


def template_name(prefix: str, source: str = SOURCE) -> str:
    """``stem-pipeline-eventmonitor``."""
    return f"stem-{_pattern(prefix, source).removesuffix('-*')}"


def index_template(prefix: str, source: str = SOURCE) -> dict[str, Any]:
    """The body of ``PUT _index_template/<name>``, for the indices of EventMonitors alone."""
    return {
        "index_patterns": [_pattern(prefix, source)],
        "priority": PRIORITY,
        "template": {
            "settings": {"index.mapping.total_fields.limit": 2000},
            "mappings": {"dynamic_templates": _DYNAMIC, "properties": _properties()},
        },
        "_meta": {"description": "stem-device: polls and losses of EventMonitors"},
    }


_DYNAMIC = [
    {"texts": {"match_mapping_type": "string", "mapping": TEXT}},
    # What a later version tells besides.
    {"seconds": {"match": "*_seconds", "match_mapping_type": "long", "mapping": {"type": "double"}}},
]


def _pattern(prefix: str, source: str) -> str:
    return f"{index_name(prefix, source, 0).rpartition('-')[0]}-*"


def _properties() -> dict[str, Any]:
    labels = dict.fromkeys(chain.from_iterable(scope.labels for scope in Scope), KEYWORD)
    figures = dict(chain.from_iterable(map(_fields, QUANTITIES)))
    return {
        "@timestamp": {"type": "date"},
        "source": TEXT,
        "kind": KEYWORD,
        "monitor": KEYWORD,
        "poll": {"type": "long"},
        "execution_time": {"type": "double"},
        **labels,
        "value": {"type": "double"},
        "at_utc_ns": {"type": "long"},
        "points": {"type": "long"},
        "labels": KEYWORD,
        "likely": {"type": "boolean"},
        "onset": {"type": "date"},
        "notice": {"type": "date"},
        "lost_lower": {"type": "long"},
        "lost_upper": {"type": "long"},
        "at_least": {"type": "boolean"},
        "missed": {"type": "long"},
        "unaccounted": {"type": "long"},
        "sentence": {"type": "text"},
        "advice": {"type": "text"},
        **figures,
    }


def _fields(quantity: Quantity) -> list[tuple[str, dict[str, str]]]:
    name, number = quantity.metric, {"type": "long" if quantity.whole else "double"}
    if quantity.kind is Kind.STATE_SET:
        return [(name, KEYWORD)]
    if quantity.kind is not Kind.HISTOGRAM:
        return [(name, number)]
    buckets = [f"{name}_bucket_le_{bound_text(bound).replace('.', '_')}" for bound in quantity.bounds]
    whole = {"type": "long"}
    return [
        *((bucket, whole) for bucket in (*buckets, f"{name}_bucket_le_inf", f"{name}_count")),
        (f"{name}_sum", {"type": "double"}),
    ]


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_PREFIX
    print(json.dumps(index_template(wanted), indent=2))  # noqa: T201
