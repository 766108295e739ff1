"""
Our alerts under promtool: what makes each fire, and what must not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel._instruments import INSTRUMENTS
from support.prometheus_servers import ALERTS, name_series, run_rule_tests


if TYPE_CHECKING:
    from pathlib import Path

    Labels = dict[str, str]

RULES = ALERTS.read_text("utf-8")
MINUTES = 42
OUTCOMES = "linq_message_outcomes_total"
FAILED = {"linq_stage": "failed", "linq_service": "iMessage", "linq_error_code": "4001"}
UNKNOWN = FAILED | {"linq_error_code": "9999"}
DELIVERED = {"linq_stage": "delivered", "linq_service": "iMessage"}
LIMITED = "linq_client_rate_limited_total", {"linq_operation": "chats.messages.send"}
UNVERIFIED = (
    "linq_webhook_deliveries_total",
    {"linq_event_type": "_OTHER", "linq_webhook_outcome": "unverified"},
)
SKIPPED = "linq_store_operation_skipped_total", {"linq_store_operation": "find"}

# Read each minute; what is counted is counted from the 10th to the 11th.
QUIET = f"0x{MINUTES}"
FORTY_AT_ONCE = f"0x10 40x{MINUTES}"
BORN_WITH_FORTY = f"_x11 40x{MINUTES}"
OLD_AND_NEW_HERE = f"_x11 4000x{MINUTES}"


def write_series(name: str, labels: Labels) -> str:
    """Return a series as PromQL has it, of one process."""
    full = {"job": "shop", "instance": "one", **labels}
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in full.items()) + "}"


def known_series() -> dict[str, str]:
    """Return what the rules ask for and a process has from its start, at zero."""
    return {
        write_series(
            name_series(one)[0],
            {key.replace(".", "_"): str(value) for key, value in facts.items()},
        ): QUIET
        for one in INSTRUMENTS
        for facts in one.zeros()
        if name_series(one)[0] in RULES
    }


def firing(alert: str, severity: str = "warning", **labels: str) -> str:
    """Return the series of an alert that fires."""
    full = {"alertname": alert, "alertstate": "firing", "job": "shop", "severity": severity}
    return "ALERTS{" + ",".join(f'{k}="{v}"' for k, v in sorted((full | labels).items())) + "}"


def buckets(name: str, bounds: dict[str, str], **labels: str) -> dict[str, str]:
    """Return a histogram's series, by upper bound."""
    return {write_series(f"{name}_bucket", labels | {"le": le}): v for le, v in bounds.items()}


SLOW = {"60": f"0x{MINUTES}", "300": f"0+2x{MINUTES}", "+Inf": f"0+2x{MINUTES}"}
RATE_LOW = firing("LinqDeliveryRateLow")
LASTING = [
    RATE_LOW,
    firing("LinqDeliverySlow", linq_service="RCS"),
    firing("LinqMessagesStuck", "critical"),
    firing("LinqStoreDown"),
    firing("LinqWebhookLag"),
]

CASES: dict[str, tuple[dict[str, str], dict[int, list[str]]]] = {
    "bursts, the first of their kinds, and nothing was ever delivered": (
        {
            write_series(OUTCOMES, FAILED): FORTY_AT_ONCE,
            write_series(OUTCOMES, UNKNOWN): BORN_WITH_FORTY,
            write_series(*LIMITED): FORTY_AT_ONCE,
            write_series(*UNVERIFIED): FORTY_AT_ONCE,
            # A hiccup, and no outage.
            write_series(*SKIPPED): FORTY_AT_ONCE,
        },
        {
            10: [],
            11: [
                firing("LinqFailures", linq_error_code="4001"),
                firing("LinqFailures", linq_error_code="9999"),
                firing("LinqRateLimited", linq_operation="chats.messages.send"),
                firing("LinqWebhooksUnverified"),
            ],
            28: [RATE_LOW],
            42: [],
        },
    ),
    "trouble that lasts": (
        {
            write_series(OUTCOMES, FAILED): f"0+0.1x{MINUTES}",
            write_series(OUTCOMES, DELIVERED): f"0+0.9x{MINUTES}",
            write_series("linq_message_stuck", {}): f"1x{MINUTES}",
            write_series(*SKIPPED): f"0+1x{MINUTES}",
            **buckets(
                "linq_message_stage_duration_seconds",
                SLOW,
                linq_stage="delivered",
                linq_service="RCS",
            ),
            **buckets("linq_webhook_lag_seconds", SLOW, linq_event_type="message.sent"),
        },
        {4: [], 20: LASTING},
    ),
    "nothing of note: one in fifty fails, and SMS, of which ten more do, reports no delivery": (
        {
            write_series(OUTCOMES, FAILED): f"0+0.02x{MINUTES}",
            write_series(OUTCOMES, DELIVERED): f"0+0.98x{MINUTES}",
            write_series(OUTCOMES, UNKNOWN): f"_x11 5x{MINUTES}",
            write_series(OUTCOMES, FAILED | {"linq_service": "SMS"}): f"0+0.1x{MINUTES}",
        },
        {11: [], 12: [], 20: []},
    ),
    "nothing happens": ({}, {20: []}),
    "an old process is read for the first time": (
        dict.fromkeys(known_series(), OLD_AND_NEW_HERE)
        | {write_series(OUTCOMES, UNKNOWN): OLD_AND_NEW_HERE},
        {11: [], 12: [], 26: [], 27: []},
    ),
    "a process begins anew": (
        dict.fromkeys(known_series(), f"4000x10 0x{MINUTES}")
        | {write_series(OUTCOMES, UNKNOWN): "4000x10 stale"},
        {10: [], 11: [], 12: [], 26: []},
    ),
}


def rule_test(name: str) -> dict[str, Any]:
    """Return a case as promtool has it."""
    changed, expected = CASES[name]
    series = known_series() | changed
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": labels, "value": 1} for labels in alerts],
            }
            for minute, alerts in expected.items()
        ],
    }


def test_rules(tmp_path: Path) -> None:
    """What is counted raises the alerts it must, and no other."""
    assert run_rule_tests(tmp_path, [rule_test(name) for name in CASES]) == ""
