"""The settings: every form that people have, and nothing of what is in them in an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from stem_device.elastic.settings import load_settings
from stem_device.errors import OptionError
from stem_device.model.options import Options

HTTP = {"hosts": ["http://es:9200"]}
DEFAULTS = {"request_timeout": 10.0, "max_retries": 0, "retry_on_timeout": False}


Found = tuple[str, dict[str, Any]]


def loaded(tmp_path: Path, text: str, name: str = "es.json", **environment: str) -> Found:
    path = tmp_path / name
    path.write_text(text)
    found = load_settings(path, environment)
    return found.prefix, dict(found.client)


FORMS = {
    "es.json": '{"INDEX_PREFIX": "night", "hosts": ["http://es:9200"]}',
    "es.toml": 'INDEX_PREFIX = "night"\nhosts = ["http://es:9200"]',
    "table.toml": '[ES_CONFIG]\nINDEX_PREFIX = "night"\nhosts = ["http://es:9200"]',
    "literal": "{'INDEX_PREFIX': 'night', 'hosts': ['http://es:9200'],}",
    "settings.py": "import os\nLEVEL = os.environ.get('L', 1)\nES_CONFIG = {\n 'INDEX_PREFIX': 'night',\n"
    " 'host': 'es', 'port': 9200}\n",
    "old.json": '{"INDEX_PREFIX": "night", "host": "es", "port": 9200}',
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(name: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, FORMS[name], name) == ("night", {**DEFAULTS, **HTTP})


TRANSLATED: dict[str, dict[str, Any]] = {
    "{}": {"hosts": ["http://localhost:9200"]},
    '{"hosts": "es"}': HTTP,
    '{"hosts": ["es:9201", "[::1]:9200"]}': {"hosts": ["http://es:9201", "http://[::1]:9200"]},
    '{"hosts": ["es"], "port": 80, "use_ssl": true}': {"hosts": ["https://es:80"]},
    '{"hosts": [{"host": "es", "port": 1, "url_prefix": "x"}]}': {"hosts": ["http://es:1/x"]},
    '{"hosts": ["https://es", "http://es/x"]}': {"hosts": ["https://es:443", "http://es:9200/x"]},
    '{"hosts": ["es"], "http_auth": ["me", "pw"]}': {**HTTP, "basic_auth": ("me", "pw")},
    '{"hosts": ["es"], "http_auth": "me:p:w"}': {**HTTP, "basic_auth": ("me", "p:w")},
    '{"hosts": ["es"], "timeout": 3}': {**HTTP, "request_timeout": 3},
    '{"hosts": ["es"], "maxsize": 3}': {**HTTP, "connections_per_node": 3},
    '{"hosts": ["es"], "sniff_on_start": true}': {**HTTP, "sniff_before_requests": True},
    '{"cloud_id": "x:y", "api_key": "k"}': {"cloud_id": "x:y", "api_key": "k"},
    '{"hosts": ["es"], "ca_certs": "/ca"}': {**HTTP, "ca_certs": "/ca"},
}


@pytest.mark.parametrize("text", TRANSLATED)
def test_every_other_key_goes_to_the_client_in_its_words(text: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, text) == ("pipeline", {**DEFAULTS, **TRANSLATED[text]})


@pytest.mark.extras
@pytest.mark.parametrize("text", [text for text in TRANSLATED if "cloud" not in text and "/ca" not in text])
def test_the_client_takes_them(text: str, tmp_path: Path) -> None:
    pytest.importorskip("elasticsearch")
    from stem_device.elastic.cluster import Cluster

    path = tmp_path / "es.json"
    path.write_text(text)
    Cluster(load_settings(path, {})).close()


@pytest.mark.extras
def test_what_the_client_does_not_take_is_told(tmp_path: Path) -> None:
    pytest.importorskip("elasticsearch")
    from stem_device.elastic.cluster import Cluster

    path = tmp_path / "es.json"
    path.write_text('{"hosts": ["es"], "no_such_thing": "secret-1"}')
    with pytest.raises(OptionError, match=r"EsConfigFile.*no_such_thing") as error:
        Cluster(load_settings(path, {}))
    assert "secret-1" not in str(error.value)


def test_secrets_may_come_from_the_environment(tmp_path: Path) -> None:
    text = '{"hosts": ["es"]}'
    assert loaded(tmp_path, text, STEM_ES_API_KEY="k")[1]["api_key"] == "k"
    assert loaded(tmp_path, text, STEM_ES_BEARER_AUTH="k")[1]["bearer_auth"] == "k"
    assert loaded(tmp_path, text, STEM_ES_BASIC_AUTH="a:b")[1]["basic_auth"] == ("a", "b")
    both = loaded(tmp_path, '{"hosts": ["es"], "http_auth": "a:b"}', STEM_ES_API_KEY="k")[1]
    assert "api_key" not in both, "what is in the file wins"


REFUSED = {
    '{"hosts": ["es"], "password-7',
    '{"request_timeout": "password-7"}',
    '{"request_timeout": 0}',
    '{"hosts": []}',
    '{"hosts": [7.5], "port": "password-7"}',
    '{"INDEX_PREFIX": "a b"}',
    '{"INDEX_PREFIX": ""}',
    '{"INDEX_PREFIX": "_password-7"}',
    '{"INDEX_PREFIX": 3}',
    '{"node_class": "urllib3"}',
    '["password-7"]',
    '"password-7"',
    "ES_CONFIG = {'api_key': password('password-7')}",
    "API_KEY = 'password-7'",
    "password-7 = ",
    "[" * 100_000,
    "",
}
GOOD_TOML = {"", '["password-7"]', "API_KEY = 'password-7'"}


@pytest.mark.parametrize("name", ["es.json", "es.toml", "es.py", "es"])
def test_what_cannot_be_used_is_refused_without_being_shown(name: str, tmp_path: Path) -> None:
    for text in REFUSED - (GOOD_TOML if name == "es.toml" else set()):
        with pytest.raises(OptionError, match="EsConfigFile") as error:
            loaded(tmp_path, text, name)
        assert "password-7" not in str(error.value), text
        assert name in str(error.value)


def test_files_that_are_none_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * 2_000_000)
    (tmp_path / "latin").write_bytes(b'{"a": "\xe4"}')
    for name in ("none", "pipe", "large", "latin", "."):
        with pytest.raises(OptionError, match="EsConfigFile"):
            load_settings(tmp_path / name, {})


def test_settings_in_place_of_their_file_are_refused_and_not_shown() -> None:
    for text in ('{"http_auth": "me:password-7"}', "http_auth='password-7'", "https://me:password-7@es:9200"):
        with pytest.raises(OptionError, match="EsConfigFile") as error:
            Options.from_lines({"EsConfigFile": [text]})
        assert "password-7" not in str(error.value)
