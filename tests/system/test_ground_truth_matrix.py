"""A fixed sample of the matrix of ``python -m tests.truth``, several rows side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.truth.rows import Outcome
from tests.truth.runner import run_rows
from tests.truth.scenarios import rows

SAMPLE = (
    "20 quiet attributes, both restarted, late joiner @10s",
    "publisher restarted twice @10s",
    "subscriber restarted, KILL, free ports @10s",
    "overflow, then client renewed and pushed @10s",
    "overflow, then client renewed @0.5s",
    "steady: 100/s, 5/s, 1/min @0.5s",
    "both, subscriber first restarted, TERM, free ports @0.5s",
    "overflow, then silence @0.5s",
    "overflow, then publisher restarted @0.5s",
    "overflow, then both killed and restarted @0.5s",
    "first events lost: connection refused @0.5s",
    "monitoring begins after an unnoticed loss @0.5s",
    "constant polled attribute, publisher restarted @0.5s",
    "subscriber is no device server @0.5s",
)
# Near to one of those above: .ci/run leaves them out.
MORE = (
    "both, publisher first restarted, KILL, fixed ports, beside another @10s",
    "publisher restarted, KILL, fixed ports, beside another @0.5s",
    "overflow, then one more push @0.5s",
    "overflow, then subscriber stopped @0.5s",
)


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tango_client: None
) -> Mapping[str, Outcome]:
    """Of the rows whose tests are selected."""
    items: list[Any] = request.session.items
    names = [item.callspec.params["name"] for item in items if item.path == request.path]
    directory = tmp_path_factory.mktemp("truth")
    known = rows()
    sample = [known[name] for name in names]
    found = run_rows(sample, directory, jobs=2, slow_jobs=5, done=lambda _outcome: None)
    return {outcome.row: outcome for outcome in found}


@pytest.mark.timeout(900)  # the first of them waits for all
@pytest.mark.parametrize("name", [*SAMPLE, *(pytest.param(name, marks=pytest.mark.matrix) for name in MORE)])
def test_the_interval_holds_the_truth(name: str, outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes[name]
    if outcome.not_run and not outcome.wrong:
        pytest.skip(outcome.not_run)
    assert outcome.wrong == (), outcome
