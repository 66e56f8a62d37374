"""How a subscription stands to its publisher at first sight, and once it is known where that publishes."""

from __future__ import annotations

from msgspec import structs

from stem_device.accounting.lives import Former, Fresh, Live, State, Unknown, adopt
from stem_device.accounting.sight import Sight, is_elsewhere, unplaced_since


def begin(sight: Sight, *, baseline: bool) -> State:
    """The state of a subscription that is seen for the first time, or was made anew."""
    counter, stream = sight.now.server_counter, sight.stream
    before = stream.pushed if baseline and stream is not None else 0
    if counter == 0:
        if stream is not None and is_elsewhere(sight.endpoint, stream):
            return Former.after(None, 0, sight.endpoint, sight)
        pushed = stream.pushed if stream is not None else 0
        connecting_ns = None if baseline and stream is not None else sight.moment.monotonic_ns
        unplaced_ns = unplaced_since(sight, stream) if stream is not None else None
        return Fresh(
            stream,
            pushed,
            pushed,
            before,
            sight.endpoint,
            sight.life,
            connecting_ns,
            unplaced_ns=unplaced_ns,
            at_baseline=baseline,
        )
    state = adopt(sight, counter)
    if isinstance(state, Live):
        return structs.replace(state, before=before)
    return structs.replace(state, at_baseline=baseline) if isinstance(state, Unknown) else state


def place(state: State, sight: Sight) -> State:
    """``state``, or what it is once the publisher's ports are known and the subscriber listens elsewhere."""
    if not isinstance(state, Live | Fresh) or state.unplaced_ns is None or state.ended(sight):
        return state
    if state.stream is None or not state.stream.ports:
        return state
    if is_elsewhere(state.endpoint, state.stream):
        return Former.after(None, 0, state.endpoint, sight, state.unplaced_ns)
    return structs.replace(state, unplaced_ns=None)
