"""The catalogue as the reference page of metrics shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stem_device.catalogue.quantities import QUANTITIES
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import Scope

HEADINGS = (
    (
        "The system",
        (Scope.MONITOR, Scope.STATE, Scope.PHASE, Scope.CAUSE, Scope.OUTLET, Scope.MARK, Scope.BUILD),
    ),
    ("Servers", (Scope.SERVER, Scope.SERVER_ABOUT, Scope.PUBLISHER, Scope.SUBSCRIBER)),
    ("Processes", (Scope.TIMED, Scope.HALT, Scope.PROCESS)),
    ("Streams and subscriptions", (Scope.STREAM, Scope.SUBSCRIPTION, Scope.FINDING)),
    ("Canaries and heartbeats", (Scope.CANARY, Scope.LINK)),
)


def reference() -> str:
    """Markdown: a table for each part, every quantity in it."""
    return "\n".join(line for heading, scopes in HEADINGS for line in _part(heading, scopes))


def _part(heading: str, scopes: Iterable[Scope]) -> Iterator[str]:
    yield f"### {heading}"
    yield ""
    yield "| metric | kind | unit | labels | meaning | attribute | JSON |"
    yield "|---|---|---|---|---|---|---|"
    yield from (_row(one) for one in QUANTITIES if one.scope in scopes)
    yield ""


def _row(quantity: Quantity) -> str:
    labels = [*quantity.labels]
    if quantity.kind is Kind.STATE_SET:
        labels.append(f"{quantity.metric} ({', '.join(quantity.states)})")
    if quantity.kind is Kind.HISTOGRAM:
        labels.append(f"le ({', '.join(f'{bound:g}' for bound in quantity.bounds)})")
    cells = (
        _code(quantity.metric),
        quantity.kind,
        quantity.unit,
        ", ".join(labels),
        quantity.meaning,
        _code(quantity.attribute),
        _code(quantity.json),
    )
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    print(reference())  # noqa: T201
