"""What Helm makes of the chart: objects that Kubernetes knows, and that say what values.yaml promises."""

from __future__ import annotations

import json
import subprocess
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kubernetes_validate")
pytest.importorskip("yaml")

import yaml

from stem_device.model.options import Options
from tests import chart_values
from tests.chart_values import CHART
from tests.needs import helm

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it uses
    import kubernetes_validate

pytestmark = [pytest.mark.extras, pytest.mark.needs("helm")]

VERSIONS = ("1.25.0", "1.37.0")
OF_OPERATOR = {"ServiceMonitor", "PrometheusRule"}
DATABASE = {"tangoHost": "databaseds:10000"}
EVERYTHING: dict[str, Any] = {
    "fullnameOverride": "eventmon",
    "image": {"digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "commonLabels": {"team": "controls", "app.kubernetes.io/name": "never-this"},
    "podLabels": {"tier": "monitoring", "app.kubernetes.io/instance": "never-this"},
    "podAnnotations": {"example.org/note": "yes"},
    "publishAddress": "monitor.example.org",
    "http": {"port": 8443, "tokenSecret": "monitor-token", "tokenKey": "word", "tlsSecret": "monitor-tls"},
    "service": {
        "type": "LoadBalancer",
        "annotations": {"a": "b"},
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
    },
    "networkPolicy": {
        "commanders": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
        "readers": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
    },
    "persistence": {"existingClaim": "recordings"},
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "details": "all",
        "tlsConfig": {"insecureSkipVerify": True},
    },
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
    "serviceAccount": {"name": "monitor", "annotations": {"a": "b"}},
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraEnvFrom": [{"secretRef": {"name": "more"}}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "controls", "operator": "Exists"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]
            }
        }
    },
    "priorityClassName": "system-cluster-critical",
    "hostNetwork": True,
}
PLAINEST: dict[str, Any] = {
    "service": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "persistence": {"enabled": False},
    "serviceAccount": {"create": False},
}
NODE_PORTS: dict[str, Any] = {
    "service": {"type": "NodePort"},
    "port": 30450,
    "eventPort": 30451,
    "heartbeatPort": 30452,
    "networkPolicy": {"commanders": [], "readers": []},
}

Objects = dict[tuple[str, str], dict[str, Any]]


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(helm()), *arguments], check=False, capture_output=True, text=True, timeout=60)


def made(folder: Path, values: dict[str, Any], release: str = "monitor") -> Objects:
    """Every object of a release with these values, by kind and name."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(DATABASE | values))
    told = run_helm("template", release, str(CHART), "--namespace", "tango", "--values", str(file))
    assert told.returncode == 0, told.stderr
    objects = [one for one in yaml.safe_load_all(told.stdout) if one]
    found = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    assert len(found) == len(objects)
    return found


def refusal(folder: Path, values: dict[str, Any]) -> str:
    """What Helm says to values that cannot work."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(DATABASE | values))
    told = run_helm("template", "monitor", str(CHART), "--values", str(file))
    assert told.returncode != 0
    return told.stderr


def one(objects: Objects, kind: str) -> dict[str, Any]:
    (found,) = (value for (which, _), value in objects.items() if which == kind)
    return found


def pod(objects: Objects) -> dict[str, Any]:
    return one(objects, "Deployment")["spec"]["template"]


def properties(objects: Objects) -> dict[str, list[str]]:
    """The lines that the init container registers."""
    arguments = pod(objects)["spec"]["initContainers"][0]["args"]
    lines: dict[str, list[str]] = {}
    for option, line in pairwise(arguments):
        if option == "--property":
            name, _, value = line.partition("=")
            lines.setdefault(name, []).append(value)
    return lines


@pytest.mark.parametrize(
    "values", [{}, EVERYTHING, PLAINEST, NODE_PORTS], ids=["default", "all", "plain", "ports"]
)
def test_kubernetes_knows_what_the_chart_makes(tmp_path: Path, values: dict[str, Any]) -> None:
    file = tmp_path / "given.yaml"
    file.write_text(yaml.safe_dump(DATABASE | values))
    lint = run_helm("lint", "--strict", str(CHART), "--values", str(file))
    assert lint.returncode == 0, lint.stdout + lint.stderr
    for made_object in made(tmp_path, values).values():
        if made_object["kind"] not in OF_OPERATOR:
            for version in VERSIONS:
                kubernetes_validate.validate(made_object, version, strict=True)


def test_all_is_found_by_the_labels_that_are_looked_for(tmp_path: Path) -> None:
    objects = made(tmp_path, EVERYTHING)
    labels = pod(objects)["metadata"]["labels"].items()
    for selector in (
        one(objects, "Deployment")["spec"]["selector"]["matchLabels"],
        one(objects, "Service")["spec"]["selector"],
        one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
        # The pod of the test is no second monitor.
        assert not selector.items() <= one(objects, "Pod")["metadata"]["labels"].items()
    wanted = one(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    assert wanted <= one(objects, "Service")["metadata"]["labels"].items()
    assert {("team", "controls"), ("tier", "monitoring")} <= labels
    assert all(value["metadata"]["labels"]["team"] == "controls" for value in objects.values())
    assert one(objects, "PrometheusRule")["metadata"]["labels"]["release"] == "prometheus"


def test_every_port_has_the_same_number_everywhere(tmp_path: Path) -> None:
    for values in ({}, NODE_PORTS, EVERYTHING):
        objects = made(tmp_path, values)
        monitor = pod(objects)["spec"]["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in monitor["ports"]}
        environment = {variable["name"]: variable.get("value") for variable in monitor["env"]}
        assert environment["TANGO_ZMQ_EVENT_PORT"] == str(ports["events"])
        assert environment["TANGO_ZMQ_HEARTBEAT_PORT"] == str(ports["heartbeat"])
        assert f"giop:tcp::{ports['tango']}" in monitor["args"]
        assert properties(objects)["HttpAddress"] == [f"0.0.0.0:{ports['http']}"]
        service = one(objects, "Service")["spec"]
        assert {port["name"]: port["port"] for port in service["ports"]} == ports
        if service["type"] == "NodePort":
            given = {port["name"]: port.get("nodePort") for port in service["ports"]}
            assert given == {**ports, "http": None}
    assert monitor["args"][-2:] == ["-ORBendPointPublish", f"giop:tcp:monitor.example.org:{ports['tango']}"]


def test_the_policy_tells_commanders_from_readers(tmp_path: Path) -> None:
    commanders, readers = one(made(tmp_path, {}), "NetworkPolicy")["spec"]["ingress"]
    assert {port["port"] for port in commanders["ports"]} == {"tango", "events", "heartbeat"}
    assert commanders["from"] == [{"podSelector": {}}]
    assert [port["port"] for port in readers["ports"]] == ["http"]
    chosen = one(made(tmp_path, EVERYTHING), "NetworkPolicy")["spec"]["ingress"]
    assert chosen[0]["from"] == EVERYTHING["networkPolicy"]["commanders"]
    assert chosen[1]["from"] == EVERYTHING["networkPolicy"]["readers"]
    # No peers: not everybody, but nobody.
    assert one(made(tmp_path, NODE_PORTS), "NetworkPolicy")["spec"]["ingress"] == []
    assert not [kind for kind, _ in made(tmp_path, PLAINEST) if kind == "NetworkPolicy"]


def test_probes_ask_the_http_port(tmp_path: Path) -> None:
    for values, scheme in (({}, "HTTP"), (EVERYTHING, "HTTPS")):
        monitor = pod(made(tmp_path, values))["spec"]["containers"][0]
        asked = {
            name: (monitor[name]["httpGet"]["path"], monitor[name]["httpGet"]["port"])
            for name in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert asked == {
            "startupProbe": ("/health", "http"),
            "livenessProbe": ("/health", "http"),
            "readinessProbe": ("/ready", "http"),
        }
        assert {monitor[name]["httpGet"]["scheme"] for name in asked} == {scheme}


def test_secrets_are_mounted_where_the_device_reads_them(tmp_path: Path) -> None:
    objects = made(tmp_path, EVERYTHING)
    lines = properties(objects)
    assert lines["HttpTokenFile"] == ["/etc/stem/token/word"]
    assert lines["HttpCertificateFile"] == ["/etc/stem/tls/tls.crt"]
    assert lines["HttpKeyFile"] == ["/etc/stem/tls/tls.key"]
    spec = pod(objects)["spec"]
    secrets = {
        volume["name"]: volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume
    }
    mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert {mounts[name]: secret for name, secret in secrets.items()} == {
        "/etc/stem/token": "monitor-token",
        "/etc/stem/tls": "monitor-tls",
    }
    endpoint = one(objects, "ServiceMonitor")["spec"]["endpoints"][0]
    assert endpoint["authorization"]["credentials"] == {"name": "monitor-token", "key": "word"}
    assert (endpoint["scheme"], endpoint["params"]) == ("https", {"details": ["all"]})
    # Without them the files of an earlier release are taken back.
    none = properties(made(tmp_path, {}))
    assert none["HttpTokenFile"] == none["HttpCertificateFile"] == none["HttpKeyFile"] == [""]


def test_properties_are_what_the_device_reads(tmp_path: Path) -> None:
    given = {
        "TargetDevices": ["dserver/a/1", "dserver/b/$(HOME)"],
        "PollPeriod": 0.5,
        "RecordOnStart": True,
        "MonitorPerformance": False,
        "MaxRecordingBytes": 123456789012,
        "KeepRecordings": None,
        "TargetTimeout": "2.5",
    }
    lines = properties(made(tmp_path, {"properties": given}))
    assert lines["PollPeriod"] == ["0.5"]
    assert lines["MaxRecordingBytes"] == ["123456789012"]
    assert lines["RecordOnStart"] == ["true"]
    assert lines["MonitorPerformance"] == ["false"]
    assert "KeepRecordings" not in lines
    # Kubernetes puts a variable in place of $(HOME), and $(HOME) in place of $$(HOME).
    assert lines["TargetDevices"] == ["dserver/a/1", "dserver/b/$$(HOME)"]
    for values in ({"properties": given}, {}, EVERYTHING):
        assert Options.from_lines(properties(made(tmp_path, values))).target_devices


def test_what_people_set_arrives_in_the_pod(tmp_path: Path) -> None:
    objects = made(tmp_path, EVERYTHING)
    template = pod(objects)
    spec = template["spec"]
    assert template["metadata"]["annotations"] == EVERYTHING["podAnnotations"]
    for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName", "hostNetwork"):
        assert spec[name] == EVERYTHING[name]
    assert spec["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "recordings"}
    assert not [kind for kind, _ in objects if kind == "PersistentVolumeClaim"]
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["image"] == f"stem-device@sha256:{'0' * 64}"
        assert {"name": "TZ", "value": "UTC"} in container["env"]
        assert container["envFrom"] == EVERYTHING["extraEnvFrom"]
        assert {"name": "more", "mountPath": "/more"} in container["volumeMounts"]
        assert container["resources"]["limits"]["memory"]
    assert {name for _, name in objects} >= {"eventmon", "eventmon-test", "eventmon-dashboards"}


@pytest.mark.parametrize("values", [{}, PLAINEST, EVERYTHING], ids=["default", "plain", "all"])
def test_no_pod_gets_a_token_of_kubernetes(tmp_path: Path, values: dict[str, Any]) -> None:
    objects = made(tmp_path, values)
    accounts = [value for (kind, _), value in objects.items() if kind == "ServiceAccount"]
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    spec = pod(objects)["spec"]
    assert spec["automountServiceAccountToken"] is False
    expected = accounts[0]["metadata"]["name"] if accounts else "default"
    assert spec["serviceAccountName"] == expected
    assert one(objects, "Pod")["spec"]["automountServiceAccountToken"] is False


def test_names_are_never_too_long(tmp_path: Path) -> None:
    for values in ({}, {"nameOverride": "n" * 60}, {"fullnameOverride": "f" * 63}):
        objects = made(tmp_path, {**values, "dashboards": {"enabled": True}}, release="r" * 53)
        assert max(len(name) for _, name in objects) <= 63
        labels = [label for value in objects.values() for label in value["metadata"]["labels"].values()]
        assert max(map(len, labels)) <= 63


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tangoHost": ""}, "tangoHost"),
        ({"eventPort": 45450}, "must differ"),
        ({"service": {"type": "NodePort"}}, "maximum"),
        ({"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}, "service.enabled"),
        ({"properties": {"HttpAddress": "0.0.0.0:1"}}, "properties"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"replicas": 2}, "replicas"),
        ({"networkPolicy": {"commanders": [{}]}}, "commanders"),
    ],
)
def test_values_that_cannot_work_are_told(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    assert said in refusal(tmp_path, values)


def test_the_readme_has_every_value() -> None:
    assert chart_values.untold() == []
    assert chart_values.table() in (CHART / "README.md").read_text()


def test_the_schema_describes_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    for value in chart_values.values():
        described = schema
        for key in value.path.split("."):
            described = described["properties"][key]
        assert described
