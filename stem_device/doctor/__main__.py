"""The child process: reads a task on standard input, writes one JSON line for each thing that it finds."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

import msgspec
import tango

from stem_device.doctor.chain import walk
from stem_device.doctor.diagnosis import Request
from stem_device.doctor.names import parse_request
from stem_device.doctor.surveying import devices_listed, surveys
from stem_device.errors import OptionError, StemError

_PR_SET_PDEATHSIG = 1
"""prctl(2): end with the thread that started this process; Ctrl-C ends stem without a word."""


def main(task: str) -> None:
    """Do the task and end, without waiting for threads of Tango that may hang."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    tango.ApiUtil.instance()  # on the main thread, before any other
    argument = json.loads(sys.stdin.read())
    try:
        _TASKS[task](argument)
    except OptionError as error:
        print("refused", json.dumps([error.option, str(error.value), error.reason]), flush=True)  # noqa: T201
    except StemError as error:
        sys.exit(str(error))
    sys.stdout.flush()
    os._exit(0)


def _diagnose(argument: Any) -> None:
    question = parse_request(msgspec.convert(argument, Request))
    if not question.attribute:
        raise OptionError(
            "DEVICE/ATTRIBUTE", argument["text"], "names no attribute: sys/tg_test/1/double_scalar"
        )
    for link in walk(question, _begins):
        _say(link)


def _survey(argument: Any) -> None:
    for device in surveys(argument["devices"], subscribe=argument["subscribe"]):
        _say(device)


def _list(_argument: Any) -> None:
    _say(devices_listed())


_TASKS = {"diagnose": _diagnose, "survey": _survey, "list": _list}


def _begins(number: int) -> None:
    print(f"begins {number}", flush=True)  # noqa: T201 - the protocol with the parent


def _say(found: Any) -> None:
    print(msgspec.json.encode(found).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
