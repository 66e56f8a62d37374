"""Faults, one for each way in which events stay away, and the link that must be named for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.doctor import LINKS, Diagnosis
from stem_device.doctor.attribute import STUCK_SECONDS, age_of
from tests.system.doctor.walled import walled_publisher
from tests.system.doctor.ward import Ward
from tests.system.harness import freeze

Inject = Callable[[Ward], Diagnosis]


@dataclass(frozen=True)
class Fault:
    """``says`` is what is wrong; ``link`` must be named first, empty where nothing is broken.

    ``again``: much like another one, and left to the matrix.
    """

    name: str
    says: str
    link: str
    inject: Inject
    needs: str = ""
    again: bool = False

    @property
    def number(self) -> int | None:
        """Of the link that must be named."""
        return LINKS.index(self.link) + 1 if self.link else None


def _of_patient(attribute: str, event: str = "change") -> Inject:
    return lambda ward: ward.diagnose(f"{ward.patient()}/{attribute}", event)


def misspelt_device(ward: Ward) -> Diagnosis:
    ward.patient()
    return ward.diagnose("doctor/pateint/1/healthy")


def slow_subscriber(ward: Ward) -> Diagnosis:
    publisher, subscriber = ward.demo(), ward.demo()
    try:
        subscriber.subscriber.subscribe(publisher.publisher, delay_seconds=0.05)
        publisher.publisher.push_in_background(steps=0, period_seconds=0.005)
        name = f"{publisher.publisher.device.rpartition(':')[2].partition('/')[2]}/number"
        return ward.diagnose(name, subscriber=subscriber.name, wait_seconds=5.0)
    finally:
        publisher.stop()
        subscriber.stop()


def not_running(ward: Ward) -> Diagnosis:
    process, device = ward.own_patient()
    process.stop()
    return ward.diagnose(f"{device}/healthy")


def never_started(ward: Ward) -> Diagnosis:
    ward.database.add_server("Patient/never", [("Patient", "doctor/never/1")])
    return ward.diagnose("doctor/never/1/healthy")


def killed(ward: Ward) -> Diagnosis:
    process, device = ward.own_patient()
    process.kill()
    return ward.diagnose(f"{device}/healthy")


def frozen(ward: Ward) -> Diagnosis:
    process, device = ward.own_patient()
    try:
        freeze(process.pid)
        return ward.diagnose(f"{device}/healthy")
    finally:
        process.kill()


def stuck_poller(ward: Ward) -> Diagnosis:
    """The one thread that polls a server hangs in a read of another device."""
    process = ward.start("stuck", [("Patient", "doctor/stuck/1"), ("Patient", "doctor/stuck/2")])
    try:
        prefix = f"tango://{ward.database.tango_host}/doctor/stuck"
        tango.DeviceProxy(f"{prefix}/1").Stall()
        other = tango.DeviceProxy(f"{prefix}/2")
        wait_until(lambda: _age(other) > 3 * 0.2 + STUCK_SECONDS + 0.5, "a stuck poller")
        return ward.diagnose("doctor/stuck/2/healthy")
    finally:
        process.kill()


def _age(device: tango.DeviceProxy) -> float:
    state = next(text for text in device.polling_status() if "= healthy\n" in text)
    return age_of(state) or 0.0


def no_database(ward: Ward) -> Diagnosis:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{probe.getsockname()[1]}"
        return ward.diagnose("doctor/patient/1/healthy", tango_host=nowhere)


def no_tango_host(ward: Ward) -> Diagnosis:
    return ward.diagnose("doctor/patient/1/healthy", tango_host="")


def hung_database(ward: Ward) -> Diagnosis:
    folder = ward.directory / "hung"
    folder.mkdir(exist_ok=True)
    with EmbeddedDatabase(folder) as database:
        freeze(database.pid)
        try:
            return ward.diagnose("doctor/patient/1/healthy", tango_host=database.tango_host)
        finally:
            database.kill()


def something_else(ward: Ward) -> Diagnosis:
    """A port on which a program of another kind listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        return ward.diagnose("doctor/patient/1/healthy", tango_host=f"127.0.0.1:{other.getsockname()[1]}")


def firewall(ward: Ward) -> Diagnosis:
    with walled_publisher(ward.directory) as (name, tango_host):
        return ward.diagnose(name, tango_host=tango_host)


FAULTS = (
    Fault("healthy", "nothing: polled, with criteria, moving", "", _of_patient("healthy")),
    Fault("healthy-pushed", "nothing: pushed by its code", "", _of_patient("pushed"), again=True),
    Fault("device", "the device is misspelt", "name", misspelt_device),
    Fault("attribute", "the attribute is misspelt", "attribute", _of_patient("haelthy")),
    Fault("not-polled", "neither polled nor pushed", "subscription", _of_patient("not_polled")),
    Fault("no-criteria", "polled without criteria", "subscription", _of_patient("no_criteria")),
    Fault("archive-only", "archive declared, change asked", "subscription", _of_patient("archive_only")),
    Fault("large-criteria", "criteria larger than what it moves", "criteria", _of_patient("large_criteria")),
    Fault("never-pushed", "declared as pushed, and never pushed", "criteria", _of_patient("never_pushed")),
    Fault("read-throws", "reading raises an error", "read", _of_patient("read_throws")),
    Fault("poll-throws", "the same, where it is polled", "read", _of_patient("poll_throws"), again=True),
    Fault("stuck-poller", "the server's poller hangs in another device", "polling", stuck_poller),
    Fault("slow", "a subscriber with slow callbacks", "subscriber", slow_subscriber),
    Fault("stopped", "the server was stopped", "exported", not_running),
    Fault("never-started", "the server was never started", "exported", never_started, again=True),
    Fault("killed", "the server was killed (-9)", "address", killed),
    Fault("frozen", "the server is frozen (SIGSTOP)", "answers", frozen),
    Fault("no-database", "no database at TANGO_HOST", "environment", no_database),
    Fault("no-host", "no TANGO_HOST", "environment", no_tango_host, again=True),
    Fault("hung-database", "the database is frozen (SIGSTOP)", "database", hung_database),
    Fault("no-tango", "TANGO_HOST leads to another program", "database", something_else),
    Fault("firewall", "a firewall drops the event port alone", "endpoints", firewall, "namespaces"),
)
