from __future__ import annotations

import subprocess
import sys

import pytest

from stem_device import cli
from stem_device.cli.exit_codes import ExitCode, exit_code
from stem_device.errors import MissingExtraError, OptionError, RecordingError


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_stem_says_how_to_install_it(missing, monkeypatch, capsys) -> None:
    for name in [name for name in sys.modules if name.startswith("stem_device.cli.")]:
        if name != "stem_device.cli.exit_codes":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "rich":
        # typer needs rich itself, and would be the one to fail if it were imported anew.
        monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.MISSING_EXTRA
    assert "pip install 'stem-device[cli]'" in capsys.readouterr().err


def test_the_command_is_importable_without_its_extra() -> None:
    program = "import sys; sys.modules.update(typer=None, rich=None); import stem_device.cli"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OptionError("PollPeriod", -1, "must be positive"), 2),
        (MissingExtraError("hdf5", "recording"), 5),
        (RecordingError("/x", "write", "disk full"), 1),
    ],
)
def test_exit_codes(error, code) -> None:
    assert exit_code(error) == code
