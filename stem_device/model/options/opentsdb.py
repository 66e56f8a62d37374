"""Options of pushing every poll to a server that takes OpenTSDB's points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stem_device.model.options.kinds import FilePath, SecretFile, Url
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class OpenTsdbOptions(OptionGroup):
    """What :mod:`stem_device.opentsdb.pushing` needs."""

    open_tsdb_url: str | None = option(
        None,
        Url(schemes=("http", "https", "opentsdb", "tcp")),
        "Where to push the numbers of every poll: http://host:4242 or https://host for /api/put, "
        "opentsdb://host:4242 or tcp://host:4242 for lines of telnet. Without it nothing is pushed.",
        flags=("--opentsdb-url",),
        help_text="Push every poll to OpenTSDB or VictoriaMetrics: http(s)://host:port, opentsdb://host:port.",
    )
    open_tsdb_token_file: Path | None = option(
        None,
        SecretFile(variable="STEM_OPENTSDB_TOKEN"),
        "File with the bearer token that OpenTsdbUrl wants, or with all that shall stand in the header "
        "Authorization, as Basic ...; read at the start. Without it STEM_OPENTSDB_TOKEN of the environment.",
        flags=("--opentsdb-token-file",),
        help_text="File with the token that the server wants; else STEM_OPENTSDB_TOKEN.",
    )
    open_tsdb_ca_file: Path | None = option(
        None,
        FilePath(),
        "Certificates (PEM) of the authorities that OpenTsdbUrl is trusted by, in place of the system's.",
        flags=("--opentsdb-ca-file",),
        help_text="Certificates (PEM) of the authorities that the server is trusted by.",
    )
