"""For each alert: series with which it fires, and with which it stays silent, for ``promtool test rules``."""

from __future__ import annotations

from typing import Any

Series = dict[str, str]

VERDICT = 'stem_verdict{instance="m:1",job="stem",stem_verdict="%s"}'
STATE = 'stem_server_state{instance="m:1",job="stem",server="dserver/p/1",stem_server_state="%s"}'
LISTENERS = 'stem_server_listeners{instance="m:1",job="stem",server="dserver/p/1"}'
MISSED = 'stem_subscriber_events_missed_total{instance="m:1",job="stem",subscriber="dserver/s/1"}'
OWN = '{instance="m:1",job="stem"}'


def verdict(level: str) -> Series:
    return {
        VERDICT % one: "1x40" if one == level else "0x40" for one in ("clear", "unknown", "waiting", "lost")
    }


def publisher(state: str, listeners: int) -> Series:
    return {STATE % state: "1x40", LISTENERS: f"{listeners}x40"}


FIRES: dict[str, list[Series]] = {
    "StemEventsLost": [verdict("lost")],
    "StemSubscriberLosesEvents": [{MISSED: "0x20 7x20"}, {MISSED: "100x20 3x20"}],
    "StemEventsWaiting": [verdict("waiting")],
    "StemCoverageUnknown": [verdict("unknown")],
    "StemPublisherDead": [publisher("unreachable", 1), publisher("failing", 3)],
    "StemRecordingFailed": [{f"stem_recording_failed{OWN}": "1x40"}],
    "StemOutletDrops": [{'stem_outlet_dropped_total{instance="m:1",job="stem",outlet="http"}': "0+1x40"}],
    "StemMonitorDead": [{f"up{OWN}": "0x40"}],
    "StemMonitorStuck": [
        {f"stem_last_poll_timestamp_seconds{OWN}": "1x40", f"stem_poll_period_seconds{OWN}": "10x40"}
    ],
    "StemMonitorOverruns": [{f"stem_poll_overruns_total{OWN}": "0+1x40"}],
}
SILENT: dict[str, list[Series]] = {
    "StemEventsLost": [verdict("clear"), verdict("waiting"), verdict("unknown")],
    "StemSubscriberLosesEvents": [{MISSED: "0x40"}, {MISSED: "7x40"}, {MISSED: "7x20 0x20"}],
    "StemEventsWaiting": [verdict("clear"), verdict("unknown")],
    "StemCoverageUnknown": [verdict("clear"), verdict("waiting")],
    "StemPublisherDead": [
        publisher("monitored", 1),
        publisher("unreachable", 0),
        publisher("not exported", 1),  # stopped in good order
        publisher("unsupported", 1),
    ],
    "StemRecordingFailed": [{f"stem_recording_failed{OWN}": "0x40"}],
    "StemOutletDrops": [{'stem_outlet_dropped_total{instance="m:1",job="stem",outlet="http"}': "5x40"}],
    "StemMonitorDead": [{f"up{OWN}": "1x40"}, {'up{instance="other:1",job="node"}': "0x40"}],
    "StemMonitorStuck": [
        {f"stem_last_poll_timestamp_seconds{OWN}": "0+60x40", f"stem_poll_period_seconds{OWN}": "10x40"},
        {f"stem_last_poll_timestamp_seconds{OWN}": "1x40", f"stem_poll_period_seconds{OWN}": "3600x40"},
    ],
    "StemMonitorOverruns": [{f"stem_poll_overruns_total{OWN}": "9x40"}],
}
EVALUATED_MINUTE = 24
"""Of series that have a value each minute."""

RECORDED = [
    ("instance:stem_events_missed:increase5m", {f"stem_events_missed_total{OWN}": "0+60x40"}, 300.0),
    ("subscriber:stem_events_missed:increase5m", {MISSED: "0+60x40"}, 300.0),
    ("instance:stem_events_published:rate5m", {f"stem_events_published_total{OWN}": "0+60x40"}, 1.0),
    ("instance:stem_events_received:rate5m", {f"stem_events_received_total{OWN}": "0+120x40"}, 2.0),
    (
        "instance:stem_events_missed:ratio_rate5m",
        {f"stem_events_missed_total{OWN}": "0+60x40", f"stem_events_received_total{OWN}": "0+180x40"},
        0.25,
    ),
]


def case_of_alert(alert: str, series: Series, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{EVALUATED_MINUTE}m", "alertname": alert, "exp_alerts": expected}
        ],
    }


def case_of_record(record: str, series: Series, value: float) -> dict[str, Any]:
    labels = next(iter(series)).partition("{")[2].rstrip("}")
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": record,
                "eval_time": f"{EVALUATED_MINUTE}m",
                "exp_samples": [{"labels": f"{record}{{{labels}}}", "value": value}],
            }
        ],
    }
