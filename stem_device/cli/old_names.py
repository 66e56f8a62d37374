"""Options that had another name in version 0.1: accepted for one version, with a note on standard error.

One letter has one meaning in all commands: ``-n`` rows of a table, ``-t`` a time limit, ``-d`` the device.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from stem_device.cli.failures import tell

OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    "monitor": {"-n": "--polls", "--output-file": "--output"},
    "mark": {"-n": "--iteration", "-t": "--time"},
    "runs": {"-d": "--duration"},
    "report": {"--output-file": "--output"},
    "why": {"--top": "--limit"},
    "stats": {"--top": "--limit"},
    "compare": {"--top": "--limit"},
    "register": {"-t": "--target"},
}
"""By command."""


def renamed(command: str, arguments: Sequence[str], with_value: Collection[str]) -> Iterator[str]:
    """``arguments`` with the new names. Options ``with_value`` take a value, which may be anything."""
    old_names = OLD_NAMES.get(command, {})
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            yield argument
            yield from left
            return
        old, value = _split(argument)
        new = old_names.get(old, old)
        if new != old:
            tell(f"{old} is now {new}; the next version will no longer know the old name")
        yield argument if new == old else new if value is None else f"{new}={value}"
        if value is None and new in with_value:
            yield from next_of(left)


def next_of(left: Iterator[str]) -> Iterator[str]:
    """The next one, if there is one."""
    for one in left:
        yield one
        return


def _split(argument: str) -> tuple[str, str | None]:
    """``--name=value`` and ``-nvalue`` -> the name and the value."""
    if argument.startswith("--"):
        name, equals, value = argument.partition("=")
        return name, value if equals else None
    if argument.startswith("-") and len(argument) > 2:
        return argument[:2], argument[2:]
    return argument, None
