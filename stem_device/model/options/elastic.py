"""Options of the outlet to Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stem_device.model.options.kinds import Bytes, FilePath, SettingsFile
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class ElasticOptions(OptionGroup):
    """What :mod:`stem_device.elastic` needs."""

    es_config_file: Path | None = option(
        None,
        SettingsFile(),
        "File with the settings of Elasticsearch, in JSON, TOML, or as a Python literal: INDEX_PREFIX, "
        "hosts, and whatever else its client takes, a password too. With it every poll is indexed; without "
        "it none.",
        help_text="Index every poll in Elasticsearch, as this file says (INDEX_PREFIX, hosts, ...).",
    )
    es_spool_directory: Path | None = option(
        None,
        FilePath("directory"),
        "Directory in which polls wait while Elasticsearch does not take them, also over a restart; it has "
        "to exist. Without it such polls are lost.",
        help_text="Where polls wait while Elasticsearch is away; without it they are lost.",
    )
    es_spool_bytes: int = option(
        100_000_000,
        Bytes(1_000_000),
        "What may wait in EsSpoolDirectory, at least 1000000; beyond it the oldest polls are dropped.",
        help_text="How much may wait there; beyond it the oldest polls are dropped.",
    )
