"""
Holds the imports of every module to one table, so that they go one way.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import linq_otel


PACKAGE = Path(linq_otel.__file__).parent

# A layer may import itself and those above. Imports for types alone count too: who
# speaks of a class depends on it. `stores` names its engines inside `open_store`.
LAYERS: dict[str, dict[str, set[str]]] = {
    "pure": {
        "_version": set(),
        "errors": set(),
        "environment_variables": set(),
        "_configuration": set(),
        "_json": set(),
        "_forks": set(),
        "_ids": set(),
        "_times": set(),
        "_attributes": set(),
        "_operations_table": set(),
        "_operations": {"_operations_table"},
        "_idempotency": {"_json"},
        "_origins": {"errors"},
        "_targets": set(),
        "_carrier": {"_origins"},
        "_events": {"_carrier", "_json", "_origins", "_times", "errors"},
        "_late": {"_lifecycle"},
        "_lifecycle": {"_events", "_ids", "_origins"},
        "_otlp_fields": set(),
        "_otlp_json": {"_otlp_fields"},
        "_otlp_lines": set(),
        "_shield": {"_forks"},
        "_collecting": {"_origins"},
        "_disclosure": {"_attributes", "_events", "_json"},
    },
    "stores": {
        "stores": {"_origins", "errors"},
        "stores.memory": {"_forks", "_origins", "stores"},
        "stores._sqlite_files": {"errors"},
        "stores.sqlite": {"_forks", "_origins", "errors", "stores", "stores._sqlite_files"},
        "stores._redis_options": {"errors"},
        "stores._redis_urls": {"errors", "stores._redis_options"},
        "stores._redis_errors": {"errors"},
        "stores._redis_clients": {
            "_forks",
            "errors",
            "stores._redis_errors",
            "stores._redis_urls",
        },
        "stores._redis_exchanges": {"stores._redis_clients", "stores._redis_errors"},
        "stores._redis_opening": {"errors", "stores._redis_clients", "stores._redis_urls"},
        "stores.redis": {
            "_origins",
            "errors",
            "stores",
            "stores._redis_clients",
            "stores._redis_exchanges",
            "stores._redis_opening",
            "stores._redis_urls",
        },
        "stores._sql_words": set(),
        "stores._sql_watch": {"_forks"},
        "stores._sql_tables": set(),
        "stores._sql_generic": {"stores._sql_tables"},
        "stores._sql_statements": {
            "stores._sql_generic",
            "stores._sql_tables",
            "stores._sql_words",
        },
        "stores._sql_refusals": {"errors"},
        "stores._sql_urls": {"errors"},
        "stores._sql_poolers": set(),
        "stores._sql_engines": {
            "stores._sql_poolers",
            "stores._sql_urls",
            "stores._sql_watch",
        },
        "stores._sql_connections": {"_forks", "errors", "stores._sql_refusals"},
        "stores._sql_own_connections": {
            "_forks",
            "stores._sql_connections",
            "stores._sql_engines",
            "stores._sql_poolers",
            "stores._sql_refusals",
            "stores._sql_urls",
            "stores._sql_watch",
        },
        "stores._sql_databases": {
            "errors",
            "stores._sql_connections",
            "stores._sql_own_connections",
            "stores._sql_refusals",
            "stores._sql_tables",
            "stores._sql_urls",
        },
        "stores._sql_pruning": {
            "_shield",
            "errors",
            "stores._sql_databases",
            "stores._sql_generic",
            "stores._sql_statements",
        },
        "stores.sql": {
            "_origins",
            "errors",
            "stores",
            "stores._sql_connections",
            "stores._sql_databases",
            "stores._sql_own_connections",
            "stores._sql_pruning",
            "stores._sql_statements",
            "stores._sql_tables",
            "stores._sql_urls",
        },
        "stores.own": {"_origins", "errors", "stores.memory"},
    },
    "tracing": {
        "_tracer": {"_attributes", "_version"},
        "_environment": {"_late", "_lifecycle", "_shield", "environment_variables"},
        "_settings": {
            "_environment",
            "_events",
            "_late",
            "_lifecycle",
            "environment_variables",
            "errors",
            "stores",
        },
        "_store_threads": {"_forks", "errors"},
        "_circuits": {"_forks", "_shield", "errors"},
        "_instruments": {"_attributes"},
        "_meters": {
            "_attributes",
            "_events",
            "_instruments",
            "_operations",
            "_version",
        },
        "_log_events": {"_attributes", "_shield", "_version"},
        "_exits": set(),
        "_guarding": {
            "_circuits",
            "_exits",
            "_meters",
            "_origins",
            "_shield",
            "_store_threads",
            "errors",
            "stores",
        },
        "_keeping": {"_collecting", "_guarding", "_meters", "_origins", "_shield", "stores"},
        "_tracing": {
            "_attributes",
            "_disclosure",
            "_keeping",
            "_late",
            "_lifecycle",
            "_log_events",
            "_meters",
            "_replies",
            "_settings",
            "_shield",
            "_tracer",
            "_unsent",
            "stores",
        },
        "_replies": {"_events", "_forks", "_keeping", "_meters", "_origins"},
        "_unsent": {"_forks", "_keeping", "_origins"},
        "_runtime": {"_forks", "_settings", "_shield", "_tracing", "errors", "stores"},
    },
    "calls and deliveries": {
        "_answers": {"_attributes", "_json", "_shield"},
        "_lives": {"_attributes", "_lifecycle", "_operations", "_origins", "_tracing"},
        "_attempts": {
            "_answers",
            "_attributes",
            "_events",
            "_operations",
            "_shield",
            "_targets",
            "_tracing",
        },
        "_settling": {
            "_attempts",
            "_attributes",
            "_events",
            "_lives",
            "_operations",
            "_origins",
            "_shield",
            "_tracing",
        },
        "_calls": {
            "_answers",
            "_attempts",
            "_attributes",
            "_log_events",
            "_operations",
            "_origins",
            "_settling",
            "_shield",
            "_tracing",
        },
        "_wire": {"_answers", "_attempts", "_calls", "_operations", "_targets"},
        "_placements": {"_attributes", "_events", "_lifecycle", "_origins", "_tracing"},
        "_linking": {
            "_attributes",
            "_events",
            "_lifecycle",
            "_origins",
            "_placements",
            "_tracing",
        },
        "_lookups": {"_events", "_keeping", "_lifecycle", "_origins", "_placements"},
        "_reporting": {
            "_attributes",
            "_lifecycle",
            "_log_events",
            "_placements",
            "_shield",
            "_tracing",
        },
        "_delivery_spans": {
            "_attributes",
            "_events",
            "_lifecycle",
            "_origins",
            "_placements",
            "_times",
            "_tracing",
        },
        "_deliveries": {
            "_attributes",
            "_delivery_spans",
            "_events",
            "_lifecycle",
            "_origins",
            "_placements",
            "_reporting",
            "_shield",
            "_tracing",
        },
    },
    "seams": {
        "_patching": {"_shield"},
        "_carrying": {"_calls", "_carrier", "_idempotency", "_json", "_shield"},
        "_client": {
            "_calls",
            "_carrying",
            "_environment",
            "_idempotency",
            "_json",
            "_operations",
            "_patching",
            "_shield",
            "_tracing",
            "_wire",
        },
        "_clients": {
            "_clients._aiohttp",
            "_clients._httpx",
            "_clients._raw",
            "_clients._requests",
            "_clients._urllib",
            "_clients._urllib3",
            "_patching",
            "_tracing",
        },
        "_clients._aiohttp": {
            "_calls",
            "_clients._exchanges",
            "_clients._late",
            "_clients._neighbours",
            "_clients._raw",
            "_patching",
            "_shield",
            "_targets",
        },
        "_clients._exchanges": {
            "_answers",
            "_attempts",
            "_calls",
            "_idempotency",
            "_shield",
            "_targets",
        },
        "_clients._httpx": {
            "_calls",
            "_clients._exchanges",
            "_clients._late",
            "_clients._neighbours",
            "_clients._raw",
            "_patching",
            "_shield",
            "_targets",
            "_wire",
        },
        "_clients._late": {"_calls", "_idempotency", "_origins", "_shield", "_tracing"},
        "_clients._neighbours": set(),
        "_clients._raw": {
            "_calls",
            "_clients._exchanges",
            "_clients._late",
            "_environment",
            "_idempotency",
            "_json",
            "_operations",
            "_shield",
            "_targets",
            "_tracing",
        },
        "_clients._requests": {
            "_calls",
            "_clients._exchanges",
            "_clients._neighbours",
            "_clients._raw",
            "_clients._tees",
            "_patching",
            "_shield",
            "_targets",
        },
        "_clients._tees": {"_clients._late", "_shield"},
        "_clients._urllib": {
            "_calls",
            "_clients._exchanges",
            "_clients._late",
            "_clients._neighbours",
            "_clients._raw",
            "_clients._tees",
            "_patching",
            "_shield",
            "_targets",
        },
        "_clients._urllib3": {
            "_attempts",
            "_calls",
            "_clients._exchanges",
            "_clients._late",
            "_clients._neighbours",
            "_clients._raw",
            "_clients._tees",
            "_patching",
            "_shield",
            "_targets",
        },
        "_unwrap": {
            "_deliveries",
            "_events",
            "_linking",
            "_origins",
            "_patching",
            "_shield",
            "_tracing",
            "errors",
            "webhooks._signatures",
        },
        "webhooks._signatures": {"errors"},
        "webhooks._gate": {"_events", "_shield", "errors", "webhooks._signatures"},
        "webhooks._repeats": {"_deliveries", "_events", "_origins"},
        "webhooks._receptions": {
            "_deliveries",
            "_lookups",
            "_placements",
            "_shield",
            "_tracing",
            "webhooks._gate",
            "webhooks._repeats",
            "webhooks._signatures",
        },
        "webhooks._receiver": {
            "_deliveries",
            "_events",
            "_placements",
            "_reporting",
            "_runtime",
            "_settings",
            "_shield",
            "_tracing",
            "errors",
            "webhooks._gate",
            "webhooks._receptions",
            "webhooks._signatures",
        },
        "webhooks._endpoint": {
            "_deliveries",
            "_shield",
            "errors",
            "webhooks._receiver",
            "webhooks._receptions",
            "webhooks._signatures",
        },
        "webhooks._asgi": {"webhooks._endpoint"},
        "webhooks._environs": {"webhooks._endpoint", "webhooks._signatures"},
        "webhooks._django": {
            "webhooks._endpoint",
            "webhooks._environs",
            "webhooks._signatures",
        },
        "webhooks._aiohttp": {"webhooks._endpoint"},
        "webhooks._options": {
            "_environment",
            "_settings",
            "_shield",
            "environment_variables",
            "errors",
            "webhooks._receiver",
        },
    },
    "export": {
        "export": {
            "_shield",
            "errors",
            "export._answers",
            "export._backends",
            "export._checks",
            "export._export",
            "export._plans",
            "export._resource",
            "export._variables",
            "export._wishes",
        },
        "export._answers": {"export._backends", "export._targets"},
        "export._backends": {"errors"},
        "export._checks": {
            "errors",
            "export._answers",
            "export._backends",
            "export._targets",
            "export._variables",
            "export._waiting",
        },
        "export._destinations": {"export._endpoints"},
        "export._endpoints": {"errors", "export._backends", "export._variables"},
        "export._explaining": {
            "export._plans",
            "export._providers",
            "export._targets",
            "export._variables",
        },
        "export._export": {
            "export._answers",
            "export._backends",
            "export._checks",
            "export._explaining",
            "export._plans",
            "export._providers",
            "export._waiting",
        },
        "export._faults": {"export._answers"},
        "export._headers": {"errors", "export._backends"},
        "export._keys": {
            "errors",
            "export._backends",
            "export._headers",
            "export._variables",
            "export._wishes",
        },
        "export._over_grpc": {"export._answers", "export._targets"},
        "export._over_http": {"export._answers", "export._faults", "export._targets"},
        "export._plans": {
            "errors",
            "export._backends",
            "export._targets",
            "export._variables",
            "export._wishes",
        },
        "export._providers": {
            "export._backends",
            "export._checks",
            "export._destinations",
            "export._targets",
            "export._variables",
            "export._watching",
        },
        "export._resource": {"_forks", "_version"},
        "export._targets": {
            "errors",
            "export._backends",
            "export._endpoints",
            "export._keys",
            "export._variables",
            "export._wishes",
        },
        "export._variables": {"export._backends"},
        "export._waiting": set(),
        "export._watching": {"_shield", "export._checks", "export._targets"},
        "export._wishes": {"export._backends"},
    },
    "integration logs": {
        "integration_logs._findings": set(),
        "integration_logs._fields._headers": set(),
        "integration_logs._people": set(),
        "integration_logs._patterns": set(),
        "integration_logs._providers._model": set(),
        "integration_logs._fields": set(),
        "integration_logs._fields._spellings": set(),
        "integration_logs._fields._zones": set(),
        "integration_logs._formats": set(),
        "integration_logs._windows": set(),
        "integration_logs._twins": set(),
        "integration_logs._fields._json_values": {"integration_logs._findings"},
        "integration_logs._fields._statuses": {"integration_logs._findings"},
        "integration_logs._formats._found": {"integration_logs._findings"},
        "integration_logs._entries": {"_times"},
        "integration_logs._checkpoints": {"errors"},
        "integration_logs._exporters": {"errors"},
        "integration_logs._formats._sources": {"errors"},
        "integration_logs._redaction": {"integration_logs._patterns"},
        "integration_logs._providers._gohighlevel": {"integration_logs._providers._model"},
        "integration_logs._providers._hubspot": {"integration_logs._providers._model"},
        "integration_logs._providers._salesforce": {"integration_logs._providers._model"},
        "integration_logs._rows": {
            "integration_logs._fields._spellings",
            "integration_logs._findings",
        },
        "integration_logs._options": {"errors", "integration_logs._fields._zones"},
        "integration_logs._replay_options": {"_lifecycle", "errors", "stores"},
        "integration_logs._fields._bodies": {
            "integration_logs._fields._json_values",
            "integration_logs._findings",
        },
        "integration_logs._formats._json_stream": {
            "integration_logs._fields._json_values",
            "integration_logs._findings",
        },
        "integration_logs._evidence": {"integration_logs._entries", "integration_logs._people"},
        "integration_logs._figures": {"integration_logs._entries"},
        "integration_logs._packing": {"integration_logs._entries", "integration_logs._twins"},
        "integration_logs._repeats": {"integration_logs._entries", "integration_logs._packing"},
        "integration_logs._crm_traces": {
            "integration_logs._entries",
            "integration_logs._fields._headers",
            "integration_logs._findings",
            "integration_logs._patterns",
            "integration_logs._redaction",
        },
        "integration_logs._providers": {
            "errors",
            "integration_logs._providers._gohighlevel",
            "integration_logs._providers._hubspot",
            "integration_logs._providers._model",
            "integration_logs._providers._salesforce",
        },
        "integration_logs._fields._dates": {
            "integration_logs._findings",
            "integration_logs._options",
        },
        "integration_logs._formats._csv_rows": {
            "errors",
            "integration_logs._fields._spellings",
            "integration_logs._findings",
            "integration_logs._formats._found",
            "integration_logs._options",
        },
        "integration_logs._formats._panel_rows": {
            "integration_logs._findings",
            "integration_logs._formats._found",
            "integration_logs._options",
        },
        "integration_logs._panels": {
            "integration_logs._entries",
            "integration_logs._fields._bodies",
            "integration_logs._fields._headers",
            "integration_logs._fields._json_values",
            "integration_logs._findings",
            "integration_logs._options",
            "integration_logs._patterns",
            "integration_logs._redaction",
            "integration_logs._twins",
        },
        "integration_logs._figure_tables": {"_times", "integration_logs._figures"},
        "integration_logs._chronicle": {
            "integration_logs._entries",
            "integration_logs._evidence",
            "integration_logs._packing",
            "integration_logs._people",
            "integration_logs._repeats",
        },
        "integration_logs._homes": {
            "_attributes",
            "_ids",
            "_lifecycle",
            "_origins",
            "integration_logs._crm_traces",
            "integration_logs._entries",
            "integration_logs._evidence",
            "stores",
        },
        "integration_logs._answers": {
            "_times",
            "integration_logs._entries",
            "integration_logs._providers",
        },
        "integration_logs._rate_limits": {
            "integration_logs._entries",
            "integration_logs._fields._headers",
            "integration_logs._findings",
            "integration_logs._providers",
            "integration_logs._twins",
        },
        "integration_logs._targets": {
            "integration_logs._entries",
            "integration_logs._findings",
            "integration_logs._patterns",
            "integration_logs._providers",
            "integration_logs._providers._model",
            "integration_logs._redaction",
        },
        "integration_logs._verdicts": {
            "integration_logs._entries",
            "integration_logs._fields._bodies",
            "integration_logs._findings",
            "integration_logs._providers",
            "integration_logs._providers._model",
            "integration_logs._redaction",
        },
        "integration_logs._fields._timestamps": {
            "integration_logs._entries",
            "integration_logs._fields._dates",
            "integration_logs._fields._zones",
            "integration_logs._findings",
            "integration_logs._options",
        },
        "integration_logs._pages": {"integration_logs._figure_tables", "integration_logs._figures"},
        "integration_logs._span_attributes": {
            "_attributes",
            "integration_logs._entries",
            "integration_logs._homes",
        },
        "integration_logs._reports": {
            "_origins",
            "_times",
            "_version",
            "errors",
            "integration_logs._answers",
            "integration_logs._chronicle",
            "integration_logs._entries",
            "integration_logs._patterns",
            "stores",
        },
        "integration_logs._capture": {
            "_json",
            "_shield",
            "_times",
            "errors",
            "integration_logs._entries",
            "integration_logs._fields._bodies",
            "integration_logs._fields._headers",
            "integration_logs._fields._json_values",
            "integration_logs._findings",
            "integration_logs._providers",
            "integration_logs._redaction",
            "integration_logs._targets",
        },
        "integration_logs._exchanges": {
            "integration_logs._entries",
            "integration_logs._fields._bodies",
            "integration_logs._fields._headers",
            "integration_logs._fields._json_values",
            "integration_logs._fields._statuses",
            "integration_logs._fields._timestamps",
            "integration_logs._findings",
            "integration_logs._options",
            "integration_logs._rows",
            "integration_logs._targets",
        },
        "integration_logs._drawing": {
            "_attributes",
            "_lifecycle",
            "_tracer",
            "_version",
            "errors",
            "integration_logs._entries",
            "integration_logs._homes",
            "integration_logs._span_attributes",
        },
        "integration_logs._report_files": {"errors", "integration_logs._reports"},
        "integration_logs._facts": {
            "_ids",
            "_origins",
            "integration_logs._entries",
            "integration_logs._exchanges",
            "integration_logs._fields._headers",
            "integration_logs._findings",
            "integration_logs._people",
            "integration_logs._providers._model",
            "integration_logs._redaction",
            "integration_logs._rows",
        },
        "integration_logs._formats._json_rows": {
            "integration_logs._exchanges",
            "integration_logs._fields._json_values",
            "integration_logs._fields._spellings",
            "integration_logs._findings",
            "integration_logs._formats._found",
            "integration_logs._formats._json_stream",
            "integration_logs._options",
        },
        "integration_logs._sending": {
            "integration_logs._checkpoints",
            "integration_logs._chronicle",
            "integration_logs._drawing",
            "integration_logs._entries",
            "integration_logs._homes",
            "integration_logs._replay_options",
        },
        "integration_logs._interpretation": {
            "integration_logs._crm_traces",
            "integration_logs._entries",
            "integration_logs._exchanges",
            "integration_logs._facts",
            "integration_logs._fields._bodies",
            "integration_logs._fields._headers",
            "integration_logs._fields._json_values",
            "integration_logs._findings",
            "integration_logs._options",
            "integration_logs._panels",
            "integration_logs._people",
            "integration_logs._providers",
            "integration_logs._rate_limits",
            "integration_logs._redaction",
            "integration_logs._rows",
            "integration_logs._targets",
            "integration_logs._twins",
            "integration_logs._verdicts",
        },
        "integration_logs._formats._detection": {
            "errors",
            "integration_logs._fields._json_values",
            "integration_logs._findings",
            "integration_logs._formats._csv_rows",
            "integration_logs._formats._found",
            "integration_logs._formats._json_rows",
            "integration_logs._formats._json_stream",
            "integration_logs._formats._panel_rows",
            "integration_logs._formats._sources",
            "integration_logs._options",
        },
        "integration_logs._replay": {
            "errors",
            "integration_logs._checkpoints",
            "integration_logs._chronicle",
            "integration_logs._entries",
            "integration_logs._exporters",
            "integration_logs._replay_options",
            "integration_logs._sending",
        },
        "integration_logs._reading": {
            "integration_logs._entries",
            "integration_logs._findings",
            "integration_logs._formats._detection",
            "integration_logs._formats._sources",
            "integration_logs._interpretation",
            "integration_logs._options",
        },
        "integration_logs": {
            "integration_logs._capture",
            "integration_logs._entries",
            "integration_logs._findings",
            "integration_logs._options",
            "integration_logs._providers",
            "integration_logs._reading",
            "integration_logs._replay",
            "integration_logs._replay_options",
        },
    },
    "stories": {
        "stories._axis": {"_otlp_json"},
        "stories._timeline": {"_otlp_json"},
        "stories._evidence": {"_attributes", "_otlp_json"},
        "stories._waits": {"_attributes", "_otlp_json"},
        "stories._messages": {
            "_attributes",
            "_otlp_json",
            "stories._evidence",
            "stories._timeline",
        },
        "stories._finding": {
            "_attributes",
            "_otlp_json",
            "stories._evidence",
            "stories._messages",
            "stories._timeline",
        },
        "stories._documents": {
            "_attributes",
            "_otlp_json",
            "stories._messages",
            "stories._timeline",
            "stories._waits",
        },
        "stories._perfetto": {
            "_attributes",
            "_otlp_json",
            "stories._axis",
            "stories._documents",
            "stories._timeline",
            "stories._waits",
        },
        "stories._sources": {"_otlp_json", "errors"},
        "stories._sources._wanted": {"errors"},
        "stories._sources._http": {"_otlp_fields", "stories._sources"},
        "stories._sources._files": {"_otlp_json", "_otlp_lines", "stories._sources"},
        "stories._sources._gathering": {
            "_attributes",
            "_otlp_json",
            "stories._evidence",
            "stories._sources._http",
            "stories._sources._wanted",
        },
        "stories._sources._jaeger_json": {"_otlp_fields", "_otlp_json"},
        "stories._sources._jaeger": {
            "_attributes",
            "_otlp_fields",
            "_otlp_json",
            "stories._sources",
            "stories._sources._gathering",
            "stories._sources._jaeger_json",
            "stories._sources._wanted",
        },
        "stories._sources._tempo": {
            "_attributes",
            "_otlp_fields",
            "_otlp_json",
            "stories._sources._gathering",
            "stories._sources._wanted",
        },
        "stories._sources._viewer": {
            "_otlp_fields",
            "_otlp_json",
            "stories._sources._http",
        },
        "stories._sources._origins": {
            "_origins",
            "errors",
            "stores",
            "stories._sources",
        },
        "stories": {
            "stories._documents",
            "stories._finding",
            "stories._messages",
            "stories._perfetto",
            "stories._timeline",
        },
    },
    "viewer": {
        "viewer._options": set(),
        "viewer._database": {"errors"},
        "viewer._json_answers": set(),
        "viewer._files": set(),
        "viewer._limits": set(),
        "viewer._bodies": set(),
        "viewer._rows": {"_otlp_json"},
        "viewer._protobuf_spans": {"_otlp_json"},
        "viewer._listening": {"errors"},
        "viewer._serving": set(),
        "viewer._guards": {"viewer._json_answers"},
        "viewer._single_file": {"viewer._files"},
        "viewer._leaving": {"viewer._limits"},
        "viewer._clues": {
            "_attributes",
            "_otlp_json",
            "stories._evidence",
            "stories._finding",
            "viewer._rows",
        },
        "viewer._walking": {"_otlp_json", "viewer._rows"},
        "viewer._exports": {
            "_otlp_fields",
            "_otlp_json",
            "viewer._bodies",
            "viewer._protobuf_spans",
        },
        "viewer._exporting": {"_otlp_json", "errors", "stories", "viewer._single_file"},
        "viewer._message_rows": {"_otlp_json", "stories", "viewer._clues", "viewer._rows"},
        "viewer._writing": {"_otlp_json", "viewer._clues", "viewer._limits", "viewer._rows"},
        "viewer._searching": {"stories", "viewer._clues", "viewer._rows", "viewer._walking"},
        "viewer._archive": {
            "_otlp_json",
            "errors",
            "viewer._database",
            "viewer._leaving",
            "viewer._limits",
            "viewer._message_rows",
            "viewer._writing",
        },
        "viewer._reading": {"_otlp_json", "viewer._rows", "viewer._searching", "viewer._walking"},
        "viewer._intake": {"viewer._archive", "viewer._bodies", "viewer._exports"},
        "viewer._viewer": {"_otlp_json", "viewer._archive"},
        "viewer._api": {
            "_otlp_json",
            "stories",
            "viewer._archive",
            "viewer._exporting",
            "viewer._json_answers",
            "viewer._reading",
            "viewer._searching",
        },
        "viewer": {
            "_otlp_json",
            "errors",
            "viewer._database",
            "viewer._exporting",
            "viewer._options",
            "viewer._viewer",
            "viewer._walking",
        },
        "viewer._app": {"viewer._api", "viewer._files", "viewer._intake", "viewer._json_answers"},
        "viewer._opening": {
            "viewer._api",
            "viewer._app",
            "viewer._archive",
            "viewer._database",
            "viewer._guards",
            "viewer._intake",
            "viewer._limits",
            "viewer._listening",
            "viewer._options",
            "viewer._serving",
            "viewer._viewer",
        },
    },
    "doors": {
        "logs": {"_calls", "_deliveries", "_shield"},
        "propagation": {"_calls", "_json", "_lifecycle", "_origins", "_shield"},
        "links": {"_events", "_linking", "_origins", "_runtime", "_shield", "errors"},
        "origins": {
            "_collecting",
            "_events",
            "_lifecycle",
            "_operations",
            "_origins",
            "_runtime",
            "_shield",
            "_tracing",
        },
        "instrumentor": {
            "_client",
            "_clients",
            "_configuration",
            "_patching",
            "_runtime",
            "_settings",
            "_unwrap",
        },
        "webhooks": {"_events", "webhooks._receiver"},
        "webhooks.asgi": {"webhooks._asgi", "webhooks._endpoint", "webhooks._receiver"},
        "webhooks.wsgi": {"webhooks._endpoint", "webhooks._environs", "webhooks._receiver"},
        "webhooks.django": {"webhooks._django", "webhooks._endpoint"},
        "webhooks.aiohttp": {"webhooks._aiohttp", "webhooks._endpoint", "webhooks._receiver"},
        "webhooks.aws_lambda": {"_json", "_shield", "webhooks._endpoint", "webhooks._receiver"},
        "webhooks._frameworks": set(),
        "webhooks._frameworks.starlette": {"_patching", "webhooks._asgi", "webhooks._endpoint"},
        "webhooks._frameworks.flask": {
            "_patching",
            "_shield",
            "webhooks._endpoint",
            "webhooks._environs",
            "webhooks._signatures",
        },
        "webhooks._frameworks.django": {"_patching", "webhooks._django", "webhooks._endpoint"},
        "webhooks._frameworks.aiohttp": {
            "_patching",
            "_shield",
            "webhooks._aiohttp",
            "webhooks._endpoint",
        },
        "webhooks.instrumentor": {
            "_patching",
            "_runtime",
            "_shield",
            "webhooks._endpoint",
            "webhooks._frameworks",
            "webhooks._options",
            "webhooks._receiver",
        },
        "_everything": {"errors", "instrumentor", "webhooks._options", "webhooks.instrumentor"},
        "": {"_everything", "_events", "_settings", "_version", "instrumentor"},
    },
    "doctor": {
        "doctor": {
            "_settings",
            "doctor._capture",
            "doctor._capture_files",
            "doctor._capture_stores",
            "doctor._codes",
            "doctor._examination",
            "doctor._findings",
            "doctor._marks",
            "doctor._scene",
            "doctor._variables",
        },
        "doctor._capture": {
            "_settings",
            "doctor._capture_lives",
            "doctor._capture_signatures",
            "doctor._capture_verdicts",
            "doctor._findings",
            "doctor._samples",
            "doctor._words",
        },
        "doctor._capture_files": {"_json", "_times", "doctor._samples", "errors"},
        "doctor._capture_lives": {"_ids", "_lifecycle", "doctor._samples"},
        "doctor._capture_signatures": {
            "doctor._findings",
            "doctor._samples",
            "doctor._words",
            "errors",
            "webhooks._signatures",
        },
        "doctor._capture_stores": {
            "doctor._samples",
            "doctor._store_refusals",
            "doctor._stores",
            "errors",
            "stores",
        },
        "doctor._capture_verdicts": {
            "_settings",
            "doctor._capture_lives",
            "doctor._findings",
            "doctor._samples",
            "doctor._store_refusals",
            "doctor._words",
        },
        "doctor._clocks": {
            "doctor._findings",
            "doctor._places",
            "export._targets",
            "webhooks._signatures",
        },
        "doctor._codes": set(),
        "doctor._examination": {
            "doctor._clocks",
            "doctor._codes",
            "doctor._exports",
            "doctor._findings",
            "doctor._joins",
            "doctor._neighbours",
            "doctor._packages",
            "doctor._privacy",
            "doctor._propagation",
            "doctor._providers",
            "doctor._sampling",
            "doctor._scene",
            "doctor._sdk",
            "doctor._store_refusals",
            "doctor._stores",
            "doctor._variables",
            "doctor._webhooks",
            "export._waiting",
        },
        "doctor._exports": {
            "doctor._findings",
            "doctor._places",
            "doctor._processors",
            "doctor._scene",
            "errors",
            "export._answers",
            "export._checks",
            "export._plans",
            "export._targets",
            "export._variables",
            "export._wishes",
        },
        "doctor._findings": {"doctor._codes"},
        "doctor._joins": {"doctor._findings", "doctor._scene"},
        "doctor._listening": {"doctor._samples"},
        "doctor._marks": {
            "_origins",
            "doctor._findings",
            "doctor._store_refusals",
            "doctor._stores",
            "errors",
            "stores",
        },
        "doctor._neighbours": {"doctor._findings", "doctor._scene"},
        "doctor._packages": {"doctor._findings"},
        "doctor._places": set(),
        "doctor._privacy": {
            "_environment",
            "doctor._findings",
            "doctor._scene",
            "environment_variables",
        },
        "doctor._processors": {"doctor._findings", "export._backends", "export._targets"},
        "doctor._propagation": {"doctor._findings"},
        "doctor._providers": {"_tracer", "doctor._findings", "doctor._scene", "export._variables"},
        "doctor._samples": {"_events", "_operations", "errors", "webhooks._signatures"},
        "doctor._sampling": {"doctor._findings", "doctor._scene"},
        "doctor._scene": {
            "_runtime",
            "_settings",
            "doctor._variables",
            "instrumentor",
            "webhooks.instrumentor",
        },
        "doctor._sdk": {"_operations", "doctor._findings", "doctor._scene", "doctor._sdk_files"},
        "doctor._sdk_files": {"_client", "_patching", "_unwrap"},
        "doctor._store_clocks": {"doctor._findings", "stores"},
        "doctor._store_probes": {"_origins", "doctor._findings", "stores"},
        "doctor._store_refusals": {"doctor._findings", "errors", "stores"},
        "doctor._stores": {
            "doctor._findings",
            "doctor._places",
            "doctor._store_clocks",
            "doctor._store_probes",
            "doctor._store_refusals",
            "errors",
            "stores",
        },
        "doctor._variables": {
            "_environment",
            "_late",
            "_lifecycle",
            "doctor._findings",
            "environment_variables",
            "export._backends",
            "export._variables",
        },
        "doctor._webhooks": {
            "doctor._findings",
            "doctor._scene",
            "doctor._variables",
            "webhooks._options",
            "webhooks._signatures",
        },
        "doctor._words": set(),
    },
}
TABLE = {module: imports for layer in LAYERS.values() for module, imports in layer.items()}

INSIDE_FUNCTIONS = {
    "stores": {"stores.memory", "stores.redis", "stores.sql", "stores.sqlite"},
    "viewer": {"viewer._opening"},
}

# Who may import what from elsewhere. Everything else runs on the standard library.
API, SEMCONV = "opentelemetry", "opentelemetry.semconv"
INSTRUMENTATION = "opentelemetry.instrumentation"
EXPORTER, SDK = "opentelemetry.exporter", "opentelemetry.sdk"
PROTO = "opentelemetry.proto"
# The bridge sends with a provider of its own.
THIRD_PARTIES = {
    "_attempts": {API},
    "_attributes": {SEMCONV},
    "_calls": {API, INSTRUMENTATION},
    "_circuits": {INSTRUMENTATION},
    "_client": {INSTRUMENTATION},
    "_clients._raw": {INSTRUMENTATION},
    "_deliveries": {API},
    "_lifecycle": {API},
    "_log_events": {API},
    "_meters": {API},
    "_unwrap": {API},
    "links": {API},
    "origins": {API},
    "propagation": {API},
    "_origins": {API},
    "_patching": {"wrapt"},
    "_placements": {API},
    "_settling": {API},
    "_store_threads": {INSTRUMENTATION},
    "_tracer": {API},
    "_tracing": {API},
    "export._checks": {INSTRUMENTATION},
    "export._over_grpc": {"grpc", EXPORTER},
    "export._over_http": {EXPORTER},
    "export._providers": {API, SDK},
    "export._resource": {SDK},
    "instrumentor": {INSTRUMENTATION},
    "stores._redis_clients": {"redis"},
    "stores._redis_errors": {"redis"},
    "stores._redis_opening": {"redis"},
    "stores._sql_connections": {"sqlalchemy"},
    "stores._sql_engines": {"sqlalchemy"},
    "stores._sql_generic": {"sqlalchemy"},
    "stores._sql_refusals": {"sqlalchemy"},
    "stores._sql_statements": {"sqlalchemy"},
    "stores._sql_tables": {"sqlalchemy"},
    "stores._sql_urls": {"sqlalchemy"},
    "integration_logs._drawing": {API, SDK},
    "integration_logs._homes": {API},
    "viewer._api": {"starlette"},
    "viewer._app": {"starlette"},
    "viewer._exports": {"google", PROTO},
    "viewer._guards": {"starlette"},
    "viewer._intake": {"starlette"},
    "viewer._json_answers": {"starlette"},
    "viewer._serving": {"uvicorn"},
    "webhooks._signatures": {"standardwebhooks"},
    "webhooks._aiohttp": {"aiohttp"},
    "webhooks.aws_lambda": {API},
    "webhooks.instrumentor": {INSTRUMENTATION},
    "doctor._clocks": {INSTRUMENTATION},
    "doctor._propagation": {API},
    "doctor._providers": {API},
    "doctor._scene": {API},
}
FOR_TYPES_ALONE = {
    "_carrier": {API},
    "_delivery_spans": {API},
    "_events": {API},
    "_everything": {"typing_extensions"},
    "_linking": {API},
    "_lives": {API},
    "_reporting": {API},
    "_settings": {API},
    "_wire": {"httpx"},
    "export": {API},
    "export._explaining": {SDK},
    "export._export": {API, SDK},
    "instrumentor": {"typing_extensions"},
    "integration_logs._capture": {"typing_extensions"},
    "integration_logs._chronicle": {"typing_extensions"},
    "links": {"typing_extensions"},
    "stores._sql_own_connections": {"sqlalchemy"},
    "stores._sql_poolers": {"sqlalchemy"},
    "stores.redis": {"redis"},
    "stores.sql": {"sqlalchemy"},
    "viewer._protobuf_spans": {PROTO},
    "viewer._serving": {"starlette"},
    "viewer._viewer": {"typing_extensions"},
    "webhooks._receiver": {"typing_extensions"},
    "webhooks.instrumentor": {"typing_extensions"},
    "doctor": {"typing_extensions"},
    "doctor._listening": {"typing_extensions"},
}

STARTS_SPANS = {"_tracer"}
# Whatever a store raises, it does not work.
MEETS_FAILURES_OF_OTHERS = {
    "_circuits",  # Stores.
    "_guarding",
    "_operations",  # Models of the user's, whose properties raise what they like.
    "_store_threads",
    "doctor._stores",
}
# The simulator is a program of its own, which tests this one from outside.
SHARED_WITH_TESTING = {"_operations_table", "errors"}
TESTING_THIRD_PARTIES = {"standardwebhooks", "typing_extensions"}
# What looks at spans stands beside it.
SHARED_WITH_KIT = {"_everything", "errors", "instrumentor", "webhooks.instrumentor"}
KIT_THIRD_PARTIES = {API, SDK, "pytest"}


@dataclass(frozen=True)
class Imports:
    """
    What one module imports: at once, for types alone, and inside functions.
    """

    at_once: set[str] = field(default_factory=set)
    for_types: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)

    @property
    def at_top(self) -> set[str]:
        """
        All but those inside functions.
        """
        return self.at_once | self.for_types


def find_modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = find_modules()
CORE = [name for name in MODULES if name.partition(".")[0] not in {"testing", "cli"}]
TESTING = [name for name in MODULES if name.partition(".")[0] == "testing"]
KIT = [
    name
    for name in TESTING
    if name.startswith("testing._spans")
    or name in {"testing.kit", "testing.pytest_plugin", "testing.spans"}
]
SIMULATOR = [name for name in TESTING if name not in KIT]


def parse(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


def absolute(module: str, node: ast.ImportFrom) -> str:
    name = node.module or ""
    if not node.level:
        return name
    package = f"linq_otel.{module}".rstrip(".").split(".")
    up = node.level - (MODULES[module].name == "__init__.py")
    return ".".join([*package[: len(package) - up], *([name] if name else [])])


def names(module: str, node: ast.Import | ast.ImportFrom) -> set[str]:
    """
    Return the modules one statement imports; ``from . import x`` is ``x`` if that is one.
    """
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    base = absolute(module, node)
    within = {f"{base}.{alias.name}" for alias in node.names}
    ours = {name for name in within if name.removeprefix("linq_otel.") in MODULES}
    return ours if len(ours) == len(within) else ours | {base}


def read_imports(module: str) -> Imports:
    imports = Imports()

    def visit(node: ast.AST, into: set[str]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            into.update(names(module, node))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            into = imports.for_types
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            into = imports.inside
        for child in ast.iter_child_nodes(node):
            visit(child, into)

    visit(parse(module), imports.at_once)
    return imports


IMPORTS = {module: read_imports(module) for module in MODULES}


def ours(found: set[str]) -> set[str]:
    return {
        name.removeprefix("linq_otel").removeprefix(".")
        for name in found
        if name.partition(".")[0] == "linq_otel"
    }


def third_parties(found: set[str]) -> set[str]:
    known = {"linq_otel", *sys.stdlib_module_names}
    return {distribution(name) for name in found if name.partition(".")[0] not in known}


def distribution(name: str) -> str:
    parts = name.split(".")
    if parts[0] != "opentelemetry":
        return parts[0]
    is_api = len(parts) == 1 or parts[1] in {
        "context",
        "_logs",
        "metrics",
        "propagate",
        "trace",
        "util",
    }
    return API if is_api else ".".join(parts[:2])


class TestTable:
    def test_every_module_is_in_it(self) -> None:
        """A new module states whom it may import; a module that is gone is taken out."""
        assert sorted(TABLE) == sorted(CORE)

    @pytest.mark.parametrize("module", CORE)
    def test_imports(self, module: str) -> None:
        """A module imports what its row says, and its row says nothing more."""
        assert ours(IMPORTS[module].at_top) == TABLE[module]

    @pytest.mark.parametrize("module", CORE)
    def test_imports_inside_functions(self, module: str) -> None:
        """No import is hidden in a function, but that of an engine by its store's URL."""
        assert ours(IMPORTS[module].inside) == INSIDE_FUNCTIONS.get(module, set())

    @pytest.mark.parametrize("module", CORE)
    def test_one_way(self, module: str) -> None:
        """Pure, stores, tracing, calls, seams, integration logs, doors: nobody looks down."""
        layers = list(LAYERS.values())
        (own,) = [number for number, layer in enumerate(layers) if module in layer]
        above = {name for layer in layers[: own + 1] for name in layer}
        assert TABLE[module] - above == set()

    def test_no_cycles(self) -> None:
        """The modules can be read in an order in which nothing is used before it is known."""
        assert set(TopologicalSorter(TABLE).static_order()) == set(TABLE)

    @pytest.mark.parametrize("module", CORE)
    def test_third_parties(self, module: str) -> None:
        """Only the modules named import anything that has to be installed."""
        imports = IMPORTS[module]
        assert third_parties(imports.at_once) == THIRD_PARTIES.get(module, set())
        only_types = third_parties(imports.for_types) - third_parties(imports.at_once)
        assert only_types == FOR_TYPES_ALONE.get(module, set())
        assert third_parties(imports.inside) == set()

    def test_rows_are_not_stale(self) -> None:
        """No row speaks of a module that is not there."""
        named = THIRD_PARTIES.keys() | FOR_TYPES_ALONE.keys() | INSIDE_FUNCTIONS.keys()
        assert named - set(CORE) == set()


class TestTesting:
    @pytest.mark.parametrize("module", SIMULATOR)
    def test_is_a_program_of_its_own(self, module: str) -> None:
        """The simulator shares nothing with what it tests but Linq's operations and the errors."""
        imports = IMPORTS[module]
        found = ours(imports.at_top | imports.inside)
        assert found - set(SIMULATOR) - SHARED_WITH_TESTING == set()
        assert third_parties(imports.at_top | imports.inside) - TESTING_THIRD_PARTIES == set()

    @pytest.mark.parametrize("module", KIT)
    def test_kit_comes_by_the_doors(self, module: str) -> None:
        """What looks at spans instruments as an app would, and knows the SDK."""
        imports = IMPORTS[module]
        found = ours(imports.at_top | imports.inside)
        assert found - set(TESTING) - SHARED_WITH_KIT == set()
        assert third_parties(imports.at_top | imports.inside) - KIT_THIRD_PARTIES == set()


class TestStatements:
    @pytest.mark.parametrize("module", CORE)
    def test_who_starts_spans(self, module: str) -> None:
        """Spans are started in one place, so that all are drawn by one rule."""
        calls = {
            node.attr
            for node in ast.walk(parse(module))
            if isinstance(node, ast.Attribute)
            if node.attr in {"start_span", "start_as_current_span"}
        }
        assert calls == ({"start_span"} if module in STARTS_SPANS else set())

    @pytest.mark.parametrize("module", CORE)
    def test_nobody_swallows_everything(self, module: str) -> None:
        """What catches every exception raises it again, or does what the shield does."""
        swallowing = [
            node.lineno
            for node in ast.walk(parse(module))
            if isinstance(node, ast.ExceptHandler)
            if module not in MEETS_FAILURES_OF_OTHERS
            if node.type is None or {"Exception", "BaseException"} & caught(node.type)
            if not (is_bare_raise(node.body[-1]) or tells_swallow(node.body[0]))
        ]
        assert swallowing == []

    @pytest.mark.parametrize("module", CORE)
    def test_nobody_prints(self, module: str) -> None:
        """A library speaks through its logger."""
        called = {
            node.func.id
            for node in ast.walk(parse(module))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert called & {"print", "input", "exec", "eval"} == set()


def caught(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def tells_swallow(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "swallow"
    )


def is_bare_raise(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and statement.exc is None
