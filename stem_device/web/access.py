"""Who may use the port: its certificate and its token, as the options say."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path

from stem_device.errors import OptionError
from stem_device.model.options import HttpOptions, read_secret


def token_of(options: HttpOptions) -> str:
    """The token; empty without one. Raises OptionError."""
    secret = read_secret(options, "http_token_file")
    if secret is None:
        return ""
    token = secret.reveal()
    if not re.fullmatch(r"[!-~]+", token):
        path = str(options.http_token_file or "STEM_HTTP_TOKEN")
        raise OptionError("HttpTokenFile", path, "must have one word of printable ASCII, the token")
    return token


def tls_of(options: HttpOptions) -> ssl.SSLContext | None:
    """The server side of TLS; None without a certificate. Raises OptionError."""
    certificate, key = options.http_certificate_file, options.http_key_file
    if certificate is None or key is None:
        return None
    _check_readable("HttpCertificateFile", certificate)
    _check_readable("HttpKeyFile", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An encrypted key would ask for its password on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise OptionError(
            "HttpCertificateFile",
            str(certificate),
            f"is no certificate in PEM that fits HttpKeyFile without a password: {error}",
        ) from error
    return context


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a socket that is bound to this IP address."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check_readable(option: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise OptionError(option, str(path), f"cannot be read: {error.strerror or error}") from error
