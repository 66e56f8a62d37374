"""Secrets come from files and the environment; no property, argument, error or text shows one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from stem_device.errors import OptionError
from stem_device.model.options import OPTIONS, OptionGroup, read_secret
from stem_device.model.options.kinds import SecretFile, Texts, Url
from stem_device.model.options.option import SECRET_WORDS, option, specs_of

SECRET = "s3cr3t-of-the-lab"


@dataclass(frozen=True, kw_only=True)
class Sending(OptionGroup):
    """The options of a part that has to say who it is."""

    send_url: str | None = option(None, Url(), "Whom to.")
    send_token_file: Path | None = option(None, SecretFile(variable="STEM_SEND_TOKEN"), "A token.")


def test_from_a_file_or_else_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    environment = {"STEM_SEND_TOKEN": "another"}
    from_file = read_secret(Sending(send_token_file=file), "send_token_file", environment=environment)
    assert from_file is not None
    assert from_file.reveal() == SECRET
    from_environment = read_secret(Sending(), "send_token_file", environment=environment)
    assert from_environment is not None
    assert from_environment.reveal() == "another"
    assert read_secret(Sending(), "send_token_file", environment={"STEM_SEND_TOKEN": " "}) is None
    assert SECRET not in f"{from_file} {from_file!r} {[from_file]}"


def test_a_secret_that_was_renewed_is_found(tmp_path: Path) -> None:
    file = tmp_path / "token"
    options = Sending(send_token_file=file)
    for text in ("first", "second"):
        file.write_text(text)
        secret = read_secret(options, "send_token_file")
        assert secret is not None
        assert secret.reveal() == text


def test_the_secret_itself_is_refused_as_a_value_and_not_shown() -> None:
    (spec,) = (each for each in specs_of(Sending) if each.field == "send_token_file")
    for refused in (
        lambda: spec.parse([SECRET]),
        lambda: spec.parse([SECRET], name="--send-token-file"),
        lambda: spec.parse([SECRET, SECRET]),
        lambda: Sending(send_token_file=Path(SECRET)),
        lambda: Sending(send_token_file=SECRET),  # type: ignore[arg-type]
        lambda: Sending(send_url=f"http://user:{SECRET}@host/"),
        lambda: Sending(send_url=f"http://{SECRET}@host/"),
    ):
        with pytest.raises(OptionError) as caught:
            refused()
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value.value)


def test_files_that_hold_no_secret(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "large").write_text("x" * 65_537)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("none", "pipe", "empty", "large", "binary", "."):
        with pytest.raises(OptionError, match="SendTokenFile") as caught:
            read_secret(Sending(send_token_file=tmp_path / name), "send_token_file")
        assert str(tmp_path) in str(caught.value)


def test_no_option_has_a_secret_as_its_value() -> None:
    """Neither a property nor an argument: where the name is one of a secret, the value is a path."""
    for spec in OPTIONS:
        assert isinstance(spec.kind, SecretFile) or not SECRET_WORDS.search(spec.field)

    for name in ("es_password", "http_token", "token", "api_key", "tls_secret_name", "credentials"):

        class Careless(OptionGroup):
            pass

        Careless.__annotations__ = {name: "tuple[str, ...]"}
        setattr(Careless, name, option((), Texts(), "A secret."))
        with pytest.raises(TypeError, match="SecretFile"):
            specs_of(dataclass(frozen=True, kw_only=True)(Careless))
