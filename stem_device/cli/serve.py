"""``stem serve``: recordings by HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import Files
from stem_device.cli.table_options import values_of
from stem_device.model.options import HttpOptions

EPILOG = """Examples:

  stem serve night.h5

  stem serve night.h5 --http 8080    # then http://127.0.0.1:8080/

  ssh -L 4242:127.0.0.1:4242 node stem serve night.h5    # looked at from afar

Exit codes: 0 interrupted, 1 a file cannot be read or the port not be opened, 2 wrong usage,
5 a part is not installed.
"""

DEFAULT_ADDRESS = "4242"
"""Where Grafana's OpenTSDB data source looks by default."""


def serve(
    files: Files,
    http: Annotated[
        str, typer.Option("--http", metavar="[HOST:]PORT", help="A port of this machine, or host:port.")
    ] = DEFAULT_ADDRESS,
    certificate: Annotated[
        str | None,
        typer.Option("--http-certificate-file", metavar="PATH", help="Certificate (PEM) to speak TLS with."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--http-key-file", metavar="PATH", help="Private key of the certificate.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--http-token-file",
            metavar="PATH",
            help="File with the bearer token that requests must bring; else STEM_HTTP_TOKEN.",
        ),
    ] = None,
) -> None:
    """Serve recordings by HTTP: the report page, metrics and Snapshots.

    The same as a monitor with --http serves, as it was at the last poll; a file that grows is read again.
    It goes on until Ctrl-C.
    """
    with failures_told():
        from stem_device.cli.serve_session import run_serve  # noqa: PLC0415 - imports numpy

        typed: dict[str, str | list[str] | bool | None] = {
            "http_address": http,
            "http_certificate_file": certificate,
            "http_key_file": key,
            "http_token_file": token,
        }
        raise typer.Exit(run_serve(files, HttpOptions(**values_of(typed))))
