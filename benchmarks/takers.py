"""Endpoints that take all that is exported, keep nothing, and run in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.json import decode

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.http_stub import Answer, Behaviour, HttpStub, Request, answer, http_stub, slow


class Takers(Struct, frozen=True):
    """URLs. ``slow`` answers with a byte a second."""

    opentsdb: str
    elastic: str
    otlp: str
    slow: str

    def properties(self, directory: Path) -> dict[str, str]:
        """Of a monitor that exports everything, all of which is taken."""
        config, spool = directory / "es.json", directory / "spool"
        config.write_text(json.dumps({"hosts": [self.elastic]}))
        spool.mkdir(exist_ok=True)
        return {
            "HttpAddress": "0",
            "OpenTsdbUrl": self.opentsdb,
            "EsConfigFile": str(config),
            "EsSpoolDirectory": str(spool),
            "OtlpEndpoint": self.otlp,
        }


@contextmanager
def takers() -> Iterator[Takers]:
    """They end with the context, or with this process."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield decode(process.stdout.readline(), type=Takers)
        finally:
            process.stdin.close()


def _put(_: Request) -> Answer:
    return answer(204)


def _bulk(request: Request) -> Answer:
    items = [{"create": {"status": 201}}] * (request.body.count(b"\n") // 2)
    told = {"acknowledged": True, "errors": False, "items": items}
    return answer(200, json.dumps(told).encode(), X_Elastic_Product="Elasticsearch")


def _metrics(_: Request) -> Answer:
    return answer(200, b"", "application/x-protobuf")


def _forget(stub: HttpStub, behaviour: Behaviour) -> Behaviour:
    """Without the requests that the stub would keep."""

    def take(request: Request) -> Answer:
        stub.requests.clear()
        return behaviour(request)

    return take


def main() -> None:
    """Until the input ends."""
    behaviours = {"opentsdb": _put, "elastic": _bulk, "otlp": _metrics, "slow": slow}
    with ExitStack() as stack:
        stubs = {name: stack.enter_context(http_stub(one)) for name, one in behaviours.items()}
        for name, stub in stubs.items():
            stub.behaviour = _forget(stub, behaviours[name])
        print(json.dumps({name: stub.url for name, stub in stubs.items()}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
