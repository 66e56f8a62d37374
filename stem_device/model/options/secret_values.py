"""Secrets come from a file or from the environment, never from the value of an option."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stem_device.errors import OptionError
from stem_device.model.options.kinds import SecretFile
from stem_device.model.options.option import OptionGroup, OptionSpec, specs_of

MAX_SECRET_BYTES = 65_536
"""More than any token or key has; a wrong path must not fill the memory."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that no log, error or traceback shows by accident."""

    _text: str

    def reveal(self) -> str:
        """The text itself, for the one who has to send it."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"


def read_secret(
    options: OptionGroup, field: str, *, environment: Mapping[str, str] = os.environ
) -> Secret | None:
    """The secret of the option ``field``: what its file contains, else its environment variable, else None.

    White space around it is left out. It is read at every call, so that one that was renewed is found.
    Raises OptionError, which names the property and shows no part of the secret.
    """
    spec = next(each for each in specs_of(type(options)) if each.field == field)
    if not isinstance(spec.kind, SecretFile):
        raise TypeError(f"{field} is no option for a secret")
    path: Path | None = getattr(options, field)
    text = environment.get(spec.kind.variable, "") if path is None else _text_of(path, spec)
    return Secret(text.strip()) if text.strip() else None


def _text_of(path: Path, spec: OptionSpec) -> str:
    try:
        # A pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OptionError(spec.name, str(path), "must be a regular file")
            raw = file.read(MAX_SECRET_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise OptionError(spec.name, str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OptionError(spec.name, str(path), "must be a file of text in UTF-8") from None
    if len(raw) > MAX_SECRET_BYTES:
        raise OptionError(spec.name, str(path), f"must not be larger than {MAX_SECRET_BYTES} bytes")
    if not text.strip():
        raise OptionError(spec.name, str(path), "is empty")
    return text
