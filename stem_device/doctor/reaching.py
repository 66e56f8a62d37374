"""Connects to a TCP port, and says in words why it could not; sees whether ZeroMQ listens there."""

from __future__ import annotations

import errno
import os
import socket

CONNECT_SECONDS = 2.0
"""A port that drops what it gets does not answer at all; one on this continent answers within 0.1 s."""

_GREETING = (b"\xff", b"\x7f")
"""First and tenth byte of the signature with which ZMTP 2 and later greet, before anything was asked; RFC 23,
https://rfc.zeromq.org/spec/23/."""


def reach(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """Why there is no connection to ``host:port``; empty if there is one."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except (OSError, ValueError, OverflowError) as error:
        return _words(error, seconds)
    return ""


def greets(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """Why nothing at ``host:port`` speaks ZMTP, the protocol of ZeroMQ; empty if something does."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            got = b""
            while len(got) < 10:
                more = connection.recv(10 - len(got))
                if not more:
                    break
                got += more
    except TimeoutError as error:
        connected = reach(host, port, seconds) == ""
        return (
            f"accepts connections, but does not greet within {seconds:g} s"
            if connected
            else _words(error, seconds)
        )
    except (OSError, ValueError, OverflowError) as error:
        return _words(error, seconds)
    if (got[:1], got[9:10]) != _GREETING:
        return f"does not greet as ZeroMQ does (it says {got!r}): something else listens there"
    return ""


def _words(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"does not answer within {seconds:g} s (a firewall, or no such machine)"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection (nothing listens there)"
    if isinstance(error, socket.gaierror):
        return "cannot be resolved to an address"
    if isinstance(error, OSError) and error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return "cannot be reached (no route to it)"
    if isinstance(error, OSError) and error.errno:
        return f"cannot be connected to ({os.strerror(error.errno)})"
    return f"cannot be connected to ({error})"
