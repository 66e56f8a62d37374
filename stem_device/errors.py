"""All exceptions of the project. Each carries its facts as fields; the message is made from them."""

from __future__ import annotations

from pathlib import Path

from stem_device.text import visible


def shown_path(path: Path | str) -> str:
    """A file name for a message: in quotes, with escapes, if one could not see where it ends."""
    text = str(path)
    plain = text.isprintable() and not set(text) & set(" '\"`\\")
    return text if text and plain else repr(text)


class StemError(Exception):
    """Root of everything this package raises on purpose.

    Its text is harmless on a terminal and in a log, whatever name or foreign error stands in it.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(visible(message))


class ReplyError(StemError):
    """A reply of ``QueryEventSystem`` that cannot be used.

    ``key`` is the path of the offending value inside the reply, in the notation
    of msgspec (``$.server.event_counters[...]``), or ``$`` for the whole text.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"reply cannot be used: {reason} (at {key})")
        self.key = visible(key)
        self.reason = visible(reason)


class ImplausibleError(StemError):
    """A reply with a counter that cannot be true. ``counter`` names it, ``reason`` says why."""

    def __init__(self, counter: str, reason: str) -> None:
        super().__init__(f"{counter} {reason}")
        self.counter = counter
        self.reason = reason


class OptionError(StemError):
    """A property or command line option with a value that cannot be used."""

    def __init__(self, option: str, value: object, reason: str) -> None:
        super().__init__(f"{option}: {reason} (the value is {value!r:.200})")
        self.option = option
        self.value = value
        self.reason = reason


class TargetError(StemError):
    """A target could not be asked. The subclass says which state that is for the operator."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = visible(reason)


class TargetUnreachableError(TargetError):
    """The server does not answer: it is down, hung, or the network is. Subclasses say which, if known."""


class TargetRefusedError(TargetUnreachableError):
    """Nothing listens where the server should be."""


class TargetSilentError(TargetUnreachableError):
    """The server, or its machine, did not answer in time."""


class TargetDatabaseError(TargetUnreachableError):
    """A database cannot be asked, so that nothing is known of the server. ``host`` is its ``host:port``."""

    def __init__(self, host: str, problem: str) -> None:
        super().__init__(f"the database {host}", problem)
        self.host = host


class TargetNotExportedError(TargetError):
    """The database says that the server is not running."""


class TargetUndefinedError(TargetNotExportedError):
    """The database knows no such device."""


class TargetUnsupportedError(TargetError):
    """The server runs a Tango version without ``QueryEventSystem``."""

    def __init__(self, target: str, tango_version: str, reason: str) -> None:
        super().__init__(target, reason)
        self.tango_version = tango_version


class TargetFailingError(TargetError):
    """The server answers, but with an error."""


class RecordingError(StemError):
    """A recording could not be opened, written or closed."""

    def __init__(self, path: Path | str, action: str, reason: str) -> None:
        super().__init__(f"cannot {action} {shown_path(path)}: {reason}")
        self.path = str(path)
        self.action = action
        self.reason = reason


class MarkError(StemError):
    """A mark of a run that cannot be used. ``key`` is as in ReplyError, ``$`` for the whole."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"the mark cannot be used: {reason} (at {key})")
        self.key = key
        self.reason = reason


class ClientReportError(StemError):
    """A report of a client that is not taken. ``key`` is as in ReplyError, ``$`` for the whole."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"the report is not taken: {reason} (at {key})")
        self.key = visible(key)
        self.reason = visible(reason)


class WatchError(StemError):
    """A process that cannot be watched: of a PyTango that does not tell, or a device server."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this process cannot be watched: {reason}")
        self.reason = reason


class UnreadableRecordingError(RecordingError):
    """A file that is no recording, of another version, or damaged. ``advice`` says what to do."""

    def __init__(self, path: Path | str, reason: str, advice: str) -> None:
        super().__init__(path, "read", f"{reason}; {advice}")
        self.reason = reason
        self.advice = advice


class RefusedFileError(UnreadableRecordingError):
    """A file that could do harm to its reader: nothing in it was followed, and no memory taken for it."""


class NoSuchDataError(StemError, LookupError):
    """A table or a column was asked for that recordings do not have."""

    def __init__(self, what: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no {what} {name!r}; there are {', '.join(known)}")
        self.what = what
        self.name = name
        self.known = known


class NotRecordedError(StemError, LookupError):
    """A column was asked for that some of the files do not have: they were written before it came."""

    def __init__(self, table: str, column: str, path: Path | str, version: str) -> None:
        super().__init__(
            f"{table}/{column} is unknown in {shown_path(path)}: its format, version {version}, does not"
            f" have it (masked({column!r}) gives what is known)"
        )
        self.table = table
        self.column = column
        self.path = str(path)
        self.version = version


class NoPollError(StemError):
    """Nothing is known: no poll is there, or none was selected. ``there`` says what the files have."""

    def __init__(self, what: str, there: str) -> None:
        super().__init__(f"{what}: {there}")
        self.what = what
        self.there = there


class FigureError(StemError):
    """A figure could not be made into an image, or there is nothing to draw."""

    def __init__(self, figure: str, reason: str) -> None:
        super().__init__(f"no image of the figure {figure}: {reason}")
        self.figure = figure
        self.reason = reason


class MissingExtraError(StemError):
    """An optional part was asked for whose packages are not installed."""

    def __init__(self, extra: str, feature: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'stem-device[{extra}]'")
        self.extra = extra
        self.feature = feature


class MonitorNotRunningError(StemError):
    """Something was asked of a monitor that is not polling: not started, stopped, or stuck."""


class MonitorUnreachableError(StemError):
    """An EventMonitor that a client speaks to did not take what it was sent."""

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(f"{device} did not take the mark: {reason}")
        self.device = device
        self.reason = reason


class RegistrationError(StemError):
    """The device could not be written to the database."""

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(f"cannot register {device}: {reason}")
        self.device = device
        self.reason = reason


class TsdbQueryError(StemError):
    """A question in OpenTSDB's language that is not answered. ``status`` is the code of HTTP that says so.

    ``details`` say what would be answered; empty if the message says it all.
    """

    def __init__(self, message: str, details: str = "", *, status: int = 400) -> None:
        super().__init__(message)
        self.message = visible(message)
        self.details = visible(details)
        self.status = status


class PushError(StemError):
    """Points that a server did not take. ``taken`` of them were, before or besides."""

    def __init__(self, endpoint: str, reason: str, taken: int = 0) -> None:
        super().__init__(f"{endpoint} did not take the points: {reason}")
        self.endpoint = endpoint
        self.reason = visible(reason)
        self.taken = taken


class SendError(StemError):
    """What is sent to a service did not arrive. ``retry``: it may do so later."""

    def __init__(self, service: str, reason: str, *, retry: bool = True) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = visible(reason)
        self.retry = retry


class MetricError(StemError):
    """A batch of points of users' metrics that is none."""


class TelemetryError(StemError):
    """Telemetry that cannot be collected or read as asked. ``what`` is the setting, file or directory."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason
