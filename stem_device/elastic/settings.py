"""The file with the settings: ``INDEX_PREFIX``, and whatever else the official client takes.

JSON, TOML, or a Python literal: a dictionary, or ``ES_CONFIG = {...}`` in a file of settings, which is read
and never run. Names of clients before version 8 are understood (host, port, http_auth, timeout, ...).
Secrets that are not in the file come from the environment.
"""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stem_device.elastic.documents import FORBIDDEN_IN_INDEX
from stem_device.errors import OptionError, shown_path

OPTION = "EsConfigFile"
NAME = "ES_CONFIG"
DEFAULT_PREFIX = "pipeline"
DEFAULT_PORT = 9200
DEFAULT_TIMEOUT_SECONDS = 10.0
"""For one request. A cluster that is restarted is back later anyway, and polls wait meanwhile."""
MAX_FILE_BYTES = 1_048_576

SECRETS = {
    "api_key": "STEM_ES_API_KEY",
    "basic_auth": "STEM_ES_BASIC_AUTH",
    "bearer_auth": "STEM_ES_BEARER_AUTH",
}
"""By name of the client's: the variable of the environment. basic_auth is ``user:password``."""

_PARTS_OF_HOSTS: tuple[str, ...] = ("port", "use_ssl", "scheme", "url_prefix")
_OURS = frozenset({"node_class", "transport_class", "serializer", "serializers"})


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """``prefix`` of the indices, and the keyword arguments of the client, which may be secret."""

    prefix: str
    client: Mapping[str, Any]

    @property
    def timeout_seconds(self) -> float:
        """For one request, from the connection to the last byte of the answer."""
        return float(self.client["request_timeout"])


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file. Raises OptionError, which shows nothing of what is in it."""
    return settings_from(_unwrapped(_parsed(_text_of(path), path), path), path, environment)


def settings_from(
    found: Mapping[str, Any], path: Path = Path(NAME), environment: Mapping[str, str] = os.environ
) -> Settings:
    """Settings that are a dictionary already; ``path`` is what errors name. Raises OptionError."""
    lower = {key: value for key, value in found.items() if key.lower() != "index_prefix"}
    prefix = next((value for key, value in found.items() if key.lower() == "index_prefix"), DEFAULT_PREFIX)
    client = _translated(lower, path)
    for key, variable in SECRETS.items():
        if not set(SECRETS) & set(client) and environment.get(variable):
            client[key] = environment[variable]
    if isinstance(client.get("basic_auth"), str):
        user, _, password = client["basic_auth"].partition(":")
        client["basic_auth"] = (user, password)
    elif isinstance(client.get("basic_auth"), list):
        client["basic_auth"] = tuple(client["basic_auth"])
    return Settings(_checked_prefix(prefix, path), client)


def _text_of(path: Path) -> str:
    try:
        # A pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(path, "must be a regular file")
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise _refused(path, f"must not be larger than {MAX_FILE_BYTES} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refused(path, "must be a file of text in UTF-8") from None


def _parsed(text: str, path: Path) -> Any:
    """Errors of parsers quote what they read, which may be a password: only where it is, is told."""
    try:
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text)
        if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:
                if path.suffix.lower() == ".json":
                    raise _refused(path, f"is no JSON: see its line {error.lineno}") from None
        return _literal(text, path)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at (line \d+|end of document)", str(error))
        raise _refused(path, f"is no TOML: see {place[1] if place else 'what is in it'}") from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise _refused(path, f"cannot be understood ({type(error).__name__})") from None


def _literal(text: str, path: Path) -> Any:
    try:
        tree = ast.parse(text.lstrip())
    except SyntaxError as error:
        raise _refused(
            path, f"is neither JSON nor TOML nor a Python literal: see its line {error.lineno}"
        ) from None
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        named = any(isinstance(one, ast.Name) and one.id == NAME for one in targets)
        value = node.value if named or isinstance(node, ast.Expr) else None  # type: ignore[attr-defined]
        if isinstance(value, ast.Dict):
            try:
                return ast.literal_eval(value)
            except ValueError:
                raise _refused(
                    path,
                    f"has an expression in {NAME}, which is not run: write values there, and leave "
                    f"secrets to the environment ({', '.join(SECRETS.values())})",
                ) from None
    raise _refused(path, f"has neither a dictionary nor {NAME} = {{...}}")


def _unwrapped(found: Any, path: Path) -> dict[str, Any]:
    if isinstance(found, dict) and isinstance(found.get(NAME), dict):
        found = found[NAME]
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise _refused(path, "must have names and values: INDEX_PREFIX, hosts, ...")
    return found


def _translated(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What clients before version 8 called otherwise, as the present one calls it."""
    client = dict(found)
    for key in _OURS & set(client):
        raise _refused(path, f"must not set {key}")
    for old, new in (
        ("http_auth", "basic_auth"),
        ("timeout", "request_timeout"),
        ("maxsize", "connections_per_node"),
    ):
        if old in client:
            client.setdefault(new, client.pop(old))
    if client.pop("sniff_on_start", False):  # nobody waits for the cluster at the start
        client.setdefault("sniff_before_requests", True)
    client.setdefault("request_timeout", DEFAULT_TIMEOUT_SECONDS)
    client.setdefault("max_retries", 0)  # what fails is tried again with the next poll
    client.setdefault("retry_on_timeout", False)
    if client.get("verify_certs") is False:
        client.setdefault("ssl_show_warn", False)  # somebody chose it; it would be told at every request
    _check_timeout(client["request_timeout"], path)
    if "cloud_id" not in client:
        client["hosts"] = _hosts(client, path)
    return client


def _check_timeout(value: Any, path: Path) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise _refused(path, "must have a request_timeout of more than 0 and up to 600 seconds")


def _hosts(client: dict[str, Any], path: Path) -> list[str]:
    """``hosts``, or ``host`` and ``port``, as addresses; the keys that belong to them are taken out."""
    hosts = client.pop("hosts", None)
    host = client.pop("host", None)
    common = {key: client.pop(key) for key in _PARTS_OF_HOSTS if key in client}
    if hosts is None:
        hosts = [host or "localhost"]
    if isinstance(hosts, str | dict):
        hosts = [hosts]
    if not isinstance(hosts, list | tuple) or not hosts:
        raise _refused(path, "must have hosts: a list of addresses as http://host:9200")
    return [_address(one, common, path) for one in hosts]


def _with_port(url: str, port: Any = None) -> str:
    """The present client wants a port in each address; former ones took 9200, and 443 for https."""
    found = re.fullmatch(r"(\w+)://((?:[^/@]*@)?(?:\[[^\]]*\]|[^/:]*))(:\d+)?(/.*)?", url)
    if found is None or found[3]:
        return url
    port = port or (443 if found[1].lower() == "https" else DEFAULT_PORT)
    return f"{found[1]}://{found[2]}:{port}{found[4] or ''}"


def _address(one: Any, common: Mapping[str, Any], path: Path) -> str:
    if isinstance(one, str) and "://" in one:
        return _with_port(one)
    parts = {**common, **(one if isinstance(one, dict) else _host_and_port(one))}
    host = parts.get("host")
    port = parts.get("port", DEFAULT_PORT)
    if not isinstance(host, str) or not str(port).isdigit():
        raise _refused(path, "has a host that is neither an address nor a host and a port")
    if "://" in host:
        return _with_port(host, port)
    scheme = parts.get("scheme", "https" if parts.get("use_ssl") else "http")
    prefix = str(parts.get("url_prefix", "")).strip("/")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}" + (f"/{prefix}" if prefix else "")


def _host_and_port(one: Any) -> dict[str, Any]:
    host, colon, port = str(one).rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return {"host": host.strip("[]"), "port": port}
    return {"host": str(one).strip("[]")}


def _checked_prefix(given: Any, path: Path) -> str:
    """In lower case, as Elasticsearch wants names of indices."""
    if not given or not isinstance(given, str):
        raise _refused(path, "must have a text as INDEX_PREFIX")
    prefix: str = given.lower()
    if FORBIDDEN_IN_INDEX.search(prefix) or prefix[0] in "-_+." or len(prefix.encode()) > 150:
        raise _refused(
            path,
            "must have an INDEX_PREFIX that can begin the name of an index: at most 150 bytes, no blank and "
            'none of \\ / * ? " < > | , # :, and not -, _, + or . in front',
        )
    return prefix


def _refused(path: Path, reason: str) -> OptionError:
    return OptionError(OPTION, shown_path(path), reason)
