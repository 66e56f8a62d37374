"""``/api/query?start=1h-ago&m=sum:1m-avg:rate{counter}:metric{tag=*}``: a request as a query string."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.request import Given, GivenFilter, GivenQuery, GivenRateOptions

_FORM = "as m=sum:1m-avg:rate:metric{tag=*}"
_FALSE = frozenset({"false", "0", "no"})


def flag(parameters: Mapping[str, str], name: str) -> bool:
    """Whether a parameter is there, with any value that does not deny it."""
    return name in parameters and parameters[name].lower() not in _FALSE


def from_uri(parameters: Mapping[str, str], metrics: Sequence[str]) -> Given:
    """A request from its parameters; ``metrics`` are those named m. Raises TsdbQueryError."""
    for name in ("tsuid", "tsuids"):
        if name in parameters:
            raise TsdbQueryError("Queries by TSUID are not supported", _FORM)
    return Given(
        start=parameters.get("start"),
        end=parameters.get("end"),
        queries=[_query(text) for text in metrics],
        timezone=parameters.get("tz") or parameters.get("timezone"),
        ms_resolution=flag(parameters, "ms") or flag(parameters, "msResolution"),
        no_annotations=flag(parameters, "no_annotations"),
        global_annotations=flag(parameters, "global_annotations"),
        show_query=flag(parameters, "show_query"),
        delete=flag(parameters, "delete"),
    )


def split_outside(text: str, separator: str, opening: str, closing: str) -> list[str]:
    """Split where no bracket is open."""
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(text):
        if character in opening:
            depth += 1
        elif character in closing:
            depth = max(0, depth - 1)
        elif character == separator and not depth:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


def metric_and_tags(text: str) -> tuple[str, list[list[tuple[str, str]]]]:
    """``metric{a=b}{c=d}`` -> the metric, and what stands in each pair of braces, up to two."""
    metric, brace, rest = text.partition("{")
    groups: list[list[tuple[str, str]]] = []
    rest = brace + rest
    while rest:
        if not rest.startswith("{") or len(groups) == 2:
            raise TsdbQueryError(f"Invalid tags in {text!r:.120}", _FORM)
        inside = _closed(rest, text)
        groups.append(list(_pairs(inside, text)))
        rest = rest[len(inside) + 2 :]
    return metric, groups


def _closed(rest: str, text: str) -> str:
    """What stands between the first brace and the one that closes it."""
    depth = 0
    for index, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if not depth:
            return rest[1:index]
    raise TsdbQueryError(f"Missing '}}' in {text!r:.120}", _FORM)


def _pairs(inside: str, text: str) -> Iterator[tuple[str, str]]:
    for pair in split_outside(inside, ",", "({[", ")}]"):
        if not pair.strip():
            continue
        key, equals, value = pair.strip().partition("=")
        if not (key and equals and value):
            raise TsdbQueryError(f"Invalid tag {pair!r:.60} in {text!r:.120}", _FORM)
        yield key.strip(), value.strip()


def _query(text: str) -> GivenQuery:
    name, *options = split_outside(text, ":", "{(", "})")
    if not options:
        raise TsdbQueryError(f"Invalid parameter m={text!r:.120}", _FORM)
    metric, groups = metric_and_tags(options.pop())
    query = GivenQuery(aggregator=name, metric=metric, filters=[])
    for option in options:
        _set_option(query, option)
    query.filters = [
        _given_filter(key, value, group=number == 0)
        for number, pairs in enumerate(groups)
        for key, value in pairs
    ]
    return query


def _given_filter(key: str, value: str, *, group: bool) -> GivenFilter:
    kind, parenthesis, rest = value.partition("(")
    if parenthesis and rest.endswith(")"):
        return GivenFilter(kind.lower(), key, rest[:-1], group)
    return GivenFilter("wildcard" if "*" in value else "literal_or", key, value, group)


def _set_option(query: GivenQuery, option: str) -> None:
    if option.startswith("rate"):
        query.rate, query.rate_options = True, _rate_options(option)
    elif option == "explicit_tags":
        query.explicit_tags = True
    elif "-" in option:
        query.downsample = option
    else:
        raise TsdbQueryError(f"Unknown part {option!r:.60} of the parameter m", _FORM)


def _rate_options(option: str) -> GivenRateOptions:
    inside = option.removeprefix("rate")
    if not inside:
        return GivenRateOptions()
    kind, *numbers = inside.removeprefix("{").removesuffix("}").split(",")
    wrong = TsdbQueryError(f"Invalid rate options {option!r:.60}", "as rate{counter,65535,1000}")
    if len(numbers) > 2 or kind not in ("counter", "dropcounter", ""):
        raise wrong
    try:
        largest, reset = (float(text) if text else None for text in [*numbers, "", ""][:2])
    except ValueError as error:
        raise wrong from error
    return GivenRateOptions(kind != "", largest, reset, kind == "dropcounter")
