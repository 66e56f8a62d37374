"""What ``stem replay`` refuses before it starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("typer")

from stem_device.cli.replay_session import ReplayArguments, run_replay
from stem_device.errors import OptionError, StemError
from stem_device.recording.event_files import HeardEvent, open_events

pytestmark = pytest.mark.extras


def events_of(folder: Path, *names: str) -> Path:
    file = open_events(folder / "events.jsonl")
    for name in names:
        file.add(HeardEvent(1, name, 1, 150))
    file.close()
    return folder / "events.jsonl"


@pytest.mark.parametrize("host", ["", "  ", "::1", "[::1]", "no-such-host.invalid"])
def test_addresses_at_which_no_server_starts(host: str, tmp_path: Path) -> None:
    """It was waited for a minute."""
    with pytest.raises(OptionError, match="--host"):
        run_replay(ReplayArguments(file=events_of(tmp_path, "a/b/c/d.change"), host=host, start_now=True))


def test_files_without_an_event_of_an_attribute(tmp_path: Path) -> None:
    with pytest.raises(StemError, match="no events of attributes"):
        run_replay(ReplayArguments(file=events_of(tmp_path, "a/b/c.intr_change", "a,x/b/c/d.change")))
