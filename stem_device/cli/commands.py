"""The subcommands, and what each does in a sentence.

The one place where they are loaded, and only the one that is wanted: ``stem --help`` imports none of them,
and a subcommand imports Tango, numpy and h5py when it runs, not before.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

SUMMARIES: Mapping[str, str] = {
    "monitor": "Watch servers: a live table on a terminal, plain lines in a pipe.",
    "check": "Say which servers can be monitored, which cannot, and why.",
    "doctor": "Say why no events arrive: walk from the database to a callback, name the first broken link.",
    "who": "Say who publishes it, who is subscribed, and what a restart of that server would interrupt.",
    "tap": "Show the events that publishers send: how many, how large, what is missing between them.",
    "replay": "Publish the events of a file of stem tap again, from a device, with the old timing.",
    "mark": "Tell the EventMonitor what a test run is doing, so that recordings say what was lost when.",
    "runs": "Say how long test runs and their stages took, and what was lost during which.",
    "report": "Make one HTML page of a recording: what was lost, by whom, when, during which test run.",
    "serve": "Serve recordings by HTTP: the report page, metrics and Snapshots.",
    "grafana": "Write dashboards for Grafana, and the files that tell it of them and of its data sources.",
    "why": "Say why subscriptions lost events or waited for them: when, on what evidence, what to do.",
    "stats": "Say what was published, received and missed, by whom, and how long everything took.",
    "compare": "Say what became better or worse from A to B, by how much, and how sure that is.",
    "validate": "List every violation of the recording format, and notes: what is legal, and worth knowing.",
    "recover": "Write what can be read of a damaged recording to a new one, and say what was lost.",
    "import": "Turn JSON lines into a recording, counted as stem monitor would have counted.",
    "export": "Write a recording, or what is selected of it, as JSON lines, CSV or Parquet.",
    "trace": "Run a Python program with telemetry, and mark the run in recordings.",
    "register": "Register the EventMonitor device server in the Tango database.",
    "demo": "Start a little Tango system that loses events, and show who lost them.",
}
"""In the order in which they are shown; each is the first line of the command's own help."""


class Subcommand:
    """One subcommand: its function, which has the options, and its help."""

    def __init__(self, name: str) -> None:
        plain = f"{name}_" if name == "import" else name  # "import" is a word of Python
        module = importlib.import_module(f"stem_device.cli.{plain}")
        self.function: Callable[..., Any] = getattr(module, plain)
        self.help = paragraphs(self.function.__doc__)
        self.epilog = paragraphs(module.EPILOG)


def paragraphs(text: str | None) -> str:
    """``text`` with one line a paragraph: the terminal breaks the lines."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(text or ""))
