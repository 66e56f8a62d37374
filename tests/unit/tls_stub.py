"""A certificate for loopback, and a stub that speaks TLS with it."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.http_stub import Behaviour, HttpStub, http_stub


def certificate(directory: Path) -> tuple[Path, Path]:
    """Certificate and key, signed by itself."""
    made, key = directory / "certificate.pem", directory / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", made, *names], check=True, capture_output=True)
    return made, key


@contextmanager
def tls_stub(behaviour: Behaviour, files: tuple[Path, Path]) -> Iterator[HttpStub]:
    """As ``http_stub``, by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)

    def wrapped(connection: socket.socket) -> socket.socket:
        return context.wrap_socket(connection, server_side=True)

    with http_stub(behaviour, wrap=wrapped) as stub:
        yield stub
