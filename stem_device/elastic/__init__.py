"""Polls and losses in Elasticsearch, as bulk indexing by its official client."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stem_device.elastic.documents import Document, document
from stem_device.elastic.sender import DocumentSender
from stem_device.elastic.settings import Settings, load_settings
from stem_device.elastic.spool import Spool

if TYPE_CHECKING:
    from stem_device.elastic.metrics import ElasticMetrics, MetricsSent
    from stem_device.elastic.template import index_template

__all__ = [
    "Document",
    "DocumentSender",
    "ElasticMetrics",
    "MetricsSent",
    "Settings",
    "Spool",
    "document",
    "index_template",
    "load_settings",
]


_LATER = {
    "ElasticMetrics": "stem_device.elastic.metrics",
    "MetricsSent": "stem_device.elastic.metrics",
    "index_template": "stem_device.elastic.template",
}


def __getattr__(name: str) -> Any:
    """What needs the template; its module is a program too, which must not be imported before it runs."""
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
