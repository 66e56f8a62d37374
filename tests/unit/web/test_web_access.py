"""Certificates, tokens, and addresses that only this machine reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from stem_device.errors import OptionError
from stem_device.model.options import Address
from stem_device.model.options.kinds import LocalPort
from stem_device.web.access import is_loopback, tls_of, token_of
from tests.unit.web.web_sources import options

pytestmark = pytest.mark.extras


@pytest.mark.parametrize("text", ["9464", ":9464"])
def test_a_port_alone_is_of_this_machine(text: str) -> None:
    assert LocalPort().parse(text) == Address("127.0.0.1", 9464)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("x", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_tls_needs_both_files(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="HttpKeyFile"):
        options(http_certificate_file=tmp_path / "c")
    with pytest.raises(OptionError, match="HttpCertificateFile"):
        options(http_key_file=tmp_path / "k")


def test_files_that_are_none(tmp_path: Path) -> None:
    made = options(http_certificate_file=tmp_path / "c", http_key_file=tmp_path / "k")
    with pytest.raises(OptionError, match=r"HttpCertificateFile.*cannot be read"):
        tls_of(made)
    (tmp_path / "c").write_text("no certificate")
    with pytest.raises(OptionError, match=r"HttpKeyFile.*cannot be read"):
        tls_of(made)
    (tmp_path / "k").write_text("no key")
    with pytest.raises(OptionError, match="no certificate in PEM"):
        tls_of(made)


def test_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    made = options(http_token_file=file)
    with pytest.raises(OptionError, match=r"HttpTokenFile.*cannot be read"):
        token_of(made)
    file.write_text(" secret-1\n")
    assert token_of(made) == "secret-1"
    for wrong in (b"", b"\n", b"two words", b"\xff\xfe", "\u20ac".encode()):
        file.write_bytes(wrong)
        with pytest.raises(OptionError, match="HttpTokenFile"):
            token_of(made)
    assert token_of(options()) == ""
    monkeypatch.setenv("STEM_HTTP_TOKEN", "of-the-environment")
    assert token_of(options()) == "of-the-environment"
