"""A consumer of Snapshots that indexes each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from stem_device.catalogue import PollSeries
from stem_device.elastic.documents import Document
from stem_device.elastic.poll_documents import PollDocuments
from stem_device.elastic.sender import DocumentSender
from stem_device.elastic.settings import Settings, load_settings
from stem_device.elastic.spool import Spool
from stem_device.elastic.template import index_template, template_name
from stem_device.errors import MissingExtraError
from stem_device.model.options import ElasticOptions
from stem_device.model.snapshot import Snapshot
from stem_device.outlets import Kept

OUTLET = "elasticsearch"


class PollsToElastic:
    """Belongs behind an outlet: its counts are of polls, and those on the disk are waiting."""

    def __init__(
        self,
        sender: DocumentSender,
        documents: PollDocuments,
        series: PollSeries,
    ) -> None:
        self._sender = sender
        self._documents = documents
        self._series = series
        self.kept: Callable[[], Kept] = sender.kept
        self.ending: Callable[[], None] = sender.ending
        self.close: Callable[[], None] = sender.close

    def take(self, snapshot: Snapshot) -> None:
        """Send the documents of one poll, or keep them."""
        made: list[Document] = self._documents.of(snapshot, self._series(snapshot))
        self._sender.send(made)


def sender_of(settings: Settings, spool: Spool | None, *, with_template: bool = True) -> DocumentSender:
    """A sender to the cluster of these settings. Raises OptionError, MissingExtraError without a client."""
    try:
        from stem_device.elastic.cluster import Cluster  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("elasticsearch", "indexing in Elasticsearch (EsConfigFile)") from error
    template = (template_name(settings.prefix), index_template(settings.prefix))
    return DocumentSender(Cluster(settings), spool, template if with_template else None)


def polls_to_elastic(options: ElasticOptions, monitor: str, series: PollSeries) -> PollsToElastic | None:
    """What the options ask for; None if they ask for nothing. ``monitor`` names who monitors.

    Raises OptionError and MissingExtraError. Neither cluster nor disk are asked yet.
    """
    if options.es_config_file is None:
        return None
    settings = load_settings(options.es_config_file)
    directory = options.es_spool_directory
    spool = Spool(directory / _folder(monitor), options.es_spool_bytes) if directory else None
    return PollsToElastic(sender_of(settings, spool), PollDocuments(settings.prefix, monitor), series)


def _folder(monitor: str) -> Path:
    """Each monitor has a folder of its own: two devices may have the same directory."""
    return Path(re.sub(r"[^\w.-]+", "_", monitor.lower()).strip("._") or "monitor")
