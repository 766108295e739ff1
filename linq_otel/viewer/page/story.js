// A story document read into spans that know their place, their service and their neighbours.

import { readNs } from "./times.js";
import { findWaits } from "./waits.js";

const INSTANT_NS = 1000; // Late spans are stretched to a microsecond for the sake of trace stores.
const SERVICE_COLORS = 8;

function keyOf(otelTraceId, spanId) {
  return `${otelTraceId}/${spanId}`;
}

// `from` and `to` are nanoseconds since the start of the story.
function readSpan(raw, trace, startNs) {
  const ns = readNs(raw.start_ns, startNs);
  const endNs = readNs(raw.end_ns, ns);
  const from = Number(ns - startNs);
  const to = Math.max(from, Number(endNs - startNs));
  return {
    raw,
    trace,
    startNs: ns,
    endNs,
    from,
    to,
    key: keyOf(trace.otelTraceId, raw.span_id),
    depth: Math.max(0, Number(raw.depth) || 0),
    isInstant: to - from <= INSTANT_NS,
    isFailed: raw.status === "ERROR",
    isLate: raw.is_late === true,
    links: [],
  };
}

class Story {
  constructor(document) {
    this.message = document.message ?? null;
    this.parts = document.parts ?? 1; // Pages saved by older versions do not say.
    this.startNs = readNs(document.start_ns);
    this.traces = document.traces.map((raw) => this.#readTrace(raw));
    this.spans = this.traces.flatMap((it) => it.spans);
    this.byKey = new Map(this.spans.map((it) => [it.key, it]));
    const ends = this.spans.reduce((latest, it) => Math.max(latest, it.to), 1);
    this.length = Math.max(ends, Number(readNs(document.end_ns, this.startNs) - this.startNs));
    this.waits = findWaits(this.spans);
    this.services = [...new Set(this.spans.map((it) => it.raw.service_name))];
    this.#tie();
  }

  find(otelTraceId, spanId) {
    return this.byKey.get(keyOf(otelTraceId, spanId)) ?? null;
  }

  holds(otelTraceId) {
    return this.traces.some((it) => it.otelTraceId === otelTraceId);
  }

  colorOf(serviceName) {
    return `service-${this.services.indexOf(serviceName) % SERVICE_COLORS}`;
  }

  #readTrace(raw) {
    const trace = { otelTraceId: raw.otel_trace_id, serviceNames: raw.service_names };
    trace.spans = raw.spans.map((it) => readSpan(it, trace, this.startNs));
    return trace;
  }

  // A link is known at both ends, so that it can be walked either way.
  #tie() {
    for (const span of this.spans) {
      for (const link of span.raw.links) {
        const other = this.find(link.otel_trace_id, link.span_id);
        span.links.push({ span: other, leads: "to", raw: link });
        other?.links.push({ span, leads: "from", raw: link });
      }
    }
  }
}

export { Story };
