"""
Exports to a backend with one call, beside whatever the app exports already.

::

    from linq_otel import instrument
    from linq_otel.export import configure

    configure("jaeger")
    instrument()

An app that has its own set-up of OpenTelemetry needs none of this.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from linq_otel._backends import BACKENDS, Backend
from linq_otel._shield import report, shield
from linq_otel.errors import ConfigurationError

from ._answers import CheckResult
from ._checks import check_all
from ._export import Export, open_export
from ._plans import make_plan
from ._resource import make_resource
from ._variables import BACKEND
from ._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from linq_otel._backends import Signal

    from ._plans import Plan


__all__ = [
    "BACKENDS",
    "Backend",
    "CheckResult",
    "Export",
    "configure",
    "configure_from_environment",
]


_CHECK_SECONDS = 5.0


def configure(  # noqa: PLR0913  # Each may be left out, and each has a name.
    backend: str | None = None,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    api_key: str | None = None,
    instance_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    protocol: str | None = None,
    service_name: str | None = None,
    service_version: str | None = None,
    resource_attributes: Mapping[str, str | bool | int | float] | None = None,
    traces: bool | None = None,
    metrics: bool | None = None,
    logs: bool | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    check: bool = False,
) -> Export:
    """
    Export traces, metrics and logs to *backend* by OTLP.

    A provider that the app has set is not replaced: the export is added to it.
    So call this after the app's own set-up, if it has one, and before
    processes are forked or after, whichever is easier: workers export on their
    own, each under an id of its own.

    The standard ``OTEL_*`` variables win over every argument.

    Args:
        backend: ``jaeger``, ``tempo``, ``victoria-traces``, ``loki``,
            ``grafana-cloud``, ``honeycomb``, ``datadog``, ``dynatrace``,
            ``dash0``, ``newrelic``, ``sumologic``, or ``otlp`` for any other;
            ``OTEL_PYTHON_LINQ_BACKEND`` if left out.
        endpoint: The base URL, where it is not the backend's usual one.
        region: Which of its clouds: ``us`` or ``eu`` for Honeycomb and New
            Relic, the zone of the stack for Grafana Cloud, a site as ``us5`` to
            export to Datadog without an agent, the environment's id for
            Dynatrace, a region as ``eu-west-1`` for Dash0.
            ``OTEL_PYTHON_LINQ_BACKEND_REGION`` if left out.
        api_key: The key of a cloud; the variable its documentation names if
            left out (``HONEYCOMB_API_KEY``, ``DD_API_KEY``,
            ``GRAFANA_CLOUD_API_KEY``, ``DT_API_TOKEN``, ``DASH0_AUTH_TOKEN``,
            ``NEW_RELIC_LICENSE_KEY``).
        instance_id: Of a Grafana Cloud stack (``GRAFANA_CLOUD_INSTANCE_ID``).
        headers: Sent with every export, besides those the backend needs.
        protocol: ``http/protobuf`` (default) or ``grpc``.
        service_name: Who this is (``OTEL_SERVICE_NAME``).
        service_version: Which version of it.
        resource_attributes: More of that (``OTEL_RESOURCE_ATTRIBUTES``).
        traces: False leaves spans alone.
        metrics: False leaves metrics alone; by default they are exported if
            the backend takes them.
        logs: The same for logs.
        tracer_provider: Where to add the export; the global one if left out.
        meter_provider: The same for metrics.
        logger_provider: The same for logs.
        check: Ask the endpoint first whether it takes an export (at most 5 s).

    Returns:
        What was chosen; its ``explain()`` says so in words.

    Raises:
        ConfigurationError: If that cannot work, or does not with *check*; the
            text says what to type.
    """
    signals: dict[Signal, bool | None] = {"traces": traces, "metrics": metrics, "logs": logs}
    wishes = Wishes(
        backend, endpoint, region, api_key, instance_id, headers or {}, protocol, signals
    )
    plan = make_plan(wishes, os.environ)
    if check:
        _check(plan)
    given: dict[Signal, Any] = {
        "traces": tracer_provider,
        "metrics": meter_provider,
        "logs": logger_provider,
    }
    resource = make_resource(service_name, service_version, resource_attributes or {})
    return open_export(plan, given, resource)


def configure_from_environment() -> Export | None:
    """
    Do what :func:`configure` does if ``OTEL_PYTHON_LINQ_BACKEND`` is set; else nothing.

    ``opentelemetry-instrument`` calls it before it instruments anything. What
    is wrong is logged once: the app must start.

    Returns:
        What was chosen, or None if nothing was.
    """
    if not os.environ.get(BACKEND, "").strip():
        return None
    with shield("configuring the export"):
        try:
            return configure()
        except ConfigurationError as error:
            report(f"export: {error}", f"nothing is exported: {error}")
    return None


def _check(plan: Plan) -> None:
    for found in check_all(plan.targets, _CHECK_SECONDS):
        if not found.is_ok:
            raise ConfigurationError(found.message)
