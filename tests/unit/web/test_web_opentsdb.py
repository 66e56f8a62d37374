"""The HTTP port answers Grafana's questions, of a recording, through a real socket."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from stem_device.model.options import Address, HttpOptions
from tests.unit.synthetic_recording import START_UTC_NS, Plan, write_recording

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
from stem_device.web import serve_recordings

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    (path,) = write_recording(tmp_path_factory.mktemp("served") / "night.h5", Plan(polls=4)).paths
    port = serve_recordings([path], HttpOptions(http_address=Address("127.0.0.1", 0)))
    try:
        yield port.url
    finally:
        port.close()


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def test_grafana_s_requests(url: str) -> None:
    assert ask(f"{url}/api/suggest?type=metrics&q=cpu&max=1000") == []
    assert "stem_polls_total" in ask(f"{url}/api/suggest?type=metrics&q=stem_p&max=1000")
    assert "sum" in ask(f"{url}/api/aggregators")
    assert "regexp" in ask(f"{url}/api/config/filters")
    found = ask(f"{url}/api/search/lookup?m=stem_server_age_seconds%7Bserver=*%7D&limit=1000")
    assert len({one["tags"]["server"] for one in found["results"]}) == Plan().servers
    begin = START_UTC_NS // 1_000_000
    query = {"metric": "stem_polls_total", "aggregator": "sum", "downsample": "10s-last"}
    body = {"start": begin - 5000, "end": begin + 60_000, "queries": [query], "showQuery": True}
    (told,) = ask(f"{url}/api/query", body)
    assert list(told["dps"].values()) == [1000, 1001, 1002, 1003]
    (told,) = ask(f"{url}/api/query?start={begin - 5000}&end={begin + 60_000}&m=sum:stem_polls_total")
    assert list(told["dps"].values()) == [1000, 1001, 1002, 1003]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/query", {"start": 1}, 400),
        ("/api/put", {}, 404),
        ("/api/uid/assign", {}, 404),
        ("/api/query", {"filler": "x" * 1_100_000}, 413),
    ],
)
def test_what_is_refused(url: str, path: str, body: Any, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(url + path, body)
    assert caught.value.code == status
    caught.value.close()
