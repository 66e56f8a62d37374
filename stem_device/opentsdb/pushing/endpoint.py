"""Where points are pushed to: ``http://host:4242``, ``https://...`` or ``opentsdb://host:4242``."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from stem_device.errors import OptionError
from stem_device.outlets.bounded_http import budget_error

DEFAULT_PORT = 4242
"""OpenTSDB's, for both ways."""
OPTION = "OpenTsdbUrl"
PUT = "/api/put"
_TELNET = frozenset({"opentsdb", "tcp", "telnet"})
_SCHEMES = frozenset({"http", "https", *_TELNET})
_FORM = "must be http://host:4242, https://host, or opentsdb://host:4242 for its telnet form"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``path`` is that of ``/api/put``, empty for telnet."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def telnet(self) -> bool:
        """Whether lines are sent, instead of JSON by HTTP."""
        return self.scheme in _TELNET

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_endpoint(url: str) -> Endpoint:
    """Take the option apart; raises OptionError, which never shows a password."""
    parts, port = _parts(url)
    if parts.username is not None or parts.password is not None:
        raise OptionError(OPTION, "...", "must not hold a user or a password: they belong in a file")
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise OptionError(OPTION, url, _FORM)
    if parts.query or parts.fragment:
        raise OptionError(OPTION, url, "must end with the path")
    path = parts.path.rstrip("/")
    if parts.scheme in _TELNET:
        if path:
            raise OptionError(OPTION, url, "has no path in its telnet form")
        return Endpoint(parts.scheme, parts.hostname, port or DEFAULT_PORT)
    default = 443 if parts.scheme == "https" else DEFAULT_PORT
    return Endpoint(parts.scheme, parts.hostname, port or default, path.removesuffix(PUT) + PUT)


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        shown = "..." if "@" in url else url
        raise OptionError(OPTION, shown, _FORM) from error
    if not (url.isascii() and url.strip().isprintable()) or " " in url.strip():
        raise OptionError(OPTION, url if "@" not in url else "...", _FORM)
    return parts, port


def reason_of(error: OSError | http.client.HTTPException) -> str:
    """Why an endpoint cannot be spoken to."""
    own = budget_error(error)
    return f"it {own}" if own else f"{type(error).__name__}: {error!s:.200}"
