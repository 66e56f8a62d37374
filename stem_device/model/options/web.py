"""Options of the HTTP port: where it is, and who may use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stem_device.errors import OptionError
from stem_device.model.options.kinds import Address, FilePath, LocalPort, SecretFile
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class HttpOptions(OptionGroup):
    """What :mod:`stem_device.web` needs."""

    http_address: Address | None = option(
        None,
        LocalPort(),
        "Where to serve metrics, the report page and Snapshots by HTTP: host:port, or a port alone, which "
        "only this machine reaches; port 0 takes one that is free. Without it there is no such port.",
        flags=("--http",),
        help_text="Serve metrics, the report page and Snapshots: a port of this machine, or host:port.",
    )
    http_certificate_file: Path | None = option(
        None,
        FilePath(),
        "Certificate (PEM, with its chain) with which the HTTP port speaks TLS; read when it is opened.",
        help_text="Certificate (PEM) with which the HTTP port speaks TLS.",
    )
    http_key_file: Path | None = option(
        None, FilePath(), "Private key (PEM, without a password) of HttpCertificateFile."
    )
    http_token_file: Path | None = option(
        None,
        SecretFile(variable="STEM_HTTP_TOKEN"),
        "File with the bearer token that every request to the HTTP port must bring, but for /health and "
        "/ready; read when the port is opened. Without it STEM_HTTP_TOKEN of the environment.",
        help_text="File with the bearer token that requests must bring; else STEM_HTTP_TOKEN.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.http_certificate_file is None) != (self.http_key_file is None):
            missing = "HttpKeyFile" if self.http_key_file is None else "HttpCertificateFile"
            raise OptionError(missing, "", "TLS needs both HttpCertificateFile and HttpKeyFile")
