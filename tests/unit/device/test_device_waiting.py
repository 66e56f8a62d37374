"""The start of the server while its database is down."""

import pytest
import tango

from stem_device.device.waiting import wait_for_database


def failure(reason, description):
    error = tango.DevError()
    error.reason, error.desc, error.origin = reason, description, ""
    return tango.DevFailed(error)


def attempts(*failures):
    """A connection that fails so often before it succeeds."""
    left = list(failures)

    def connect():
        if left:
            raise left.pop(0)

    return connect, left


def test_waits_until_the_database_is_there_and_says_so_once(capsys):
    down = failure("API_CantConnectToDatabase", "Failed to connect to database on host h with port 1")
    connect, left = attempts(down, down, down)
    slept: list[float] = []
    wait_for_database(["1"], connect=connect, sleep=slept.append)
    assert not left
    assert len(slept) == 3
    told = capsys.readouterr().err
    assert told == "Failed to connect to database on host h with port 1. Waiting for it; Ctrl-C ends.\n"


def test_other_trouble_is_left_to_tango(capsys):
    connect, _ = attempts(failure("API_TangoHostNotSet", "TANGO_HOST is not set"))
    wait_for_database(["1"], connect=connect, sleep=lambda _: pytest.fail("must not wait"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["-nodb", "-file=/tmp/x", "-?"])
def test_a_server_that_needs_no_database_does_not_wait(option):
    wait_for_database(["1", option], connect=lambda: pytest.fail("must not connect"))
