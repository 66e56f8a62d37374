"""All options of a monitor: a group for each part, all groups in one frozen object, checked when it is made.

The device makes it from its properties, the command line from its arguments, a script by keywords. An option
is one field of a group (:mod:`.option`); a new group is one more base of :class:`Options`. A part declares
the group that it needs and is given the Options, which are all groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stem_device.errors import OptionError
from stem_device.model.options.canary import CanaryOptions
from stem_device.model.options.clients import ClientOptions
from stem_device.model.options.elastic import ElasticOptions
from stem_device.model.options.kinds import Address
from stem_device.model.options.links import LinkOptions
from stem_device.model.options.metrics import MetricsOptions
from stem_device.model.options.opentsdb import OpenTsdbOptions
from stem_device.model.options.option import OptionGroup, OptionSpec, property_name, specs_of
from stem_device.model.options.otlp import OtlpOptions
from stem_device.model.options.polling import PollingOptions
from stem_device.model.options.recording import RecordingOptions
from stem_device.model.options.secret_values import Secret, read_secret
from stem_device.model.options.stacks import StackOptions
from stem_device.model.options.telemetry import TelemetryOptions
from stem_device.model.options.verdict import VerdictOptions
from stem_device.model.options.web import HttpOptions

__all__ = [
    "OPTIONS",
    "Address",
    "CanaryOptions",
    "ClientOptions",
    "ElasticOptions",
    "HttpOptions",
    "LinkOptions",
    "MetricsOptions",
    "OpenTsdbOptions",
    "OptionGroup",
    "OptionSpec",
    "Options",
    "OtlpOptions",
    "PollingOptions",
    "RecordingOptions",
    "Secret",
    "StackOptions",
    "TelemetryOptions",
    "VerdictOptions",
    "property_name",
    "read_secret",
]


@dataclass(frozen=True, kw_only=True)
class Options(
    PollingOptions,
    RecordingOptions,
    VerdictOptions,
    HttpOptions,
    OpenTsdbOptions,
    ElasticOptions,
    OtlpOptions,
    ClientOptions,
    TelemetryOptions,
    MetricsOptions,
    CanaryOptions,
    LinkOptions,
    StackOptions,
):
    """Checked options; raises OptionError naming the property.

    Seconds are floats, bytes and counts are whole numbers; 0 means "no limit" for
    ``MaxRecordingBytes`` and ``KeepRecordings``.
    """

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> Options:
        """Build from values by Tango property names (``PollPeriod``); unknown names are refused."""
        return cls(**{_by_property(name, value).field: value for name, value in properties.items()})

    @classmethod
    def from_lines(cls, lines: Mapping[str, Sequence[str] | None]) -> Options:
        """Build from the lines of properties in the Tango database; None and [] are the default.

        Raises OptionError that names the property, also for one that does not exist.
        """
        specs = {_by_property(name, texts): texts for name, texts in lines.items()}
        return cls(**{spec.field: spec.parse(texts or ()) for spec, texts in specs.items()})

    def lines(self) -> dict[str, tuple[str, ...]]:
        """By property: the lines that :meth:`from_lines` makes these options of."""
        return {spec.name: spec.lines(getattr(self, spec.field)) for spec in OPTIONS}


OPTIONS: tuple[OptionSpec, ...] = specs_of(Options)
"""The table from which Tango's properties, the command line and the reference come."""


def _by_property(name: str, value: object) -> OptionSpec:
    for spec in OPTIONS:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in OPTIONS)
    raise OptionError(name, value, f"unknown property; known are {known}")
