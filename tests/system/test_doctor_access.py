"""The doctor where Tango's own access control, in C++, lets clients read and little else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tango

from tests.system.cpp_database import CppDatabase
from tests.system.doctor.ward import Ward, broken_number
from tests.system.harness import ServerFactory
from tests.system.tango_tree import NoTreeError, tango_tree

pytest.importorskip("zmq")

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(300)]

CLIENTS_NEED = ["ZmqEventSubscriptionChange", "EventConfirmSubscription"]
ACCESS = "sys/access_control/1"


def test_subscriptions_that_access_control_refuses(tmp_path: Path) -> None:
    try:
        tree = tango_tree()
    except NoTreeError as error:
        pytest.skip(str(error))
    tango.ApiUtil.instance()
    with CppDatabase(tree, tmp_path) as database:
        servers = ServerFactory(database, tmp_path)  # type: ignore[arg-type] # the same interface
        try:
            ward = Ward(database, servers, tmp_path)  # type: ignore[arg-type]
            device = ward.patient()
            assert broken_number(ward.diagnose(f"{device}/healthy")) is None
            services: Any = {"Services": [f"AccessControl/tango:{ACCESS}"]}
            database.connection().put_property("CtrlSystem", services)
            for allowed, number in (([], 12), (CLIENTS_NEED[:1], 20), (CLIENTS_NEED, None)):
                with database.access_control(allowed):
                    found = ward.diagnose(f"{device}/healthy")
                    assert broken_number(found) == number, (allowed, found)
        finally:
            servers.stop()
