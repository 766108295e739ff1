// The same knowledge out of the page itself, where it was saved as one file.

import { get } from "./elements.js";
import { parseJson } from "./parsing.js";

function findEmbedded() {
  const element = get("embedded");
  return element ? new Embedded(parseJson(element.textContent)) : null;
}

function isMentioned(value, query) {
  if (Array.isArray(value)) return value.some((it) => isMentioned(it, query));
  return typeof value === "string" && value.toLowerCase().includes(query);
}

class Embedded {
  isLive = false;

  constructor({ messages = [], stories = {} }) {
    this.messages = messages;
    this.stories = stories;
  }

  async findMessages({ state, query, offset, limit }) {
    const word = query.trim().toLowerCase();
    const found = this.messages.filter((it) => !word || isMentioned(Object.values(it), word));
    const counts = {};
    for (const message of found) counts[message.state] = (counts[message.state] ?? 0) + 1;
    const shown = found.filter((it) => !state || it.state === state);
    return { messages: shown.slice(offset, offset + limit), total: shown.length, counts };
  }

  async findStory(otelTraceId) {
    const holds = (story) => story.traces.some((it) => it.otel_trace_id === otelTraceId);
    return this.stories[otelTraceId] ?? Object.values(this.stories).find(holds) ?? null;
  }

  async findPlace(id) {
    for (const trace of Object.values(this.stories).flatMap((it) => it.traces)) {
      if (trace.otel_trace_id === id) return { otel_trace_id: id, span_id: null };
      const span = trace.spans.find(
        (it) => it.span_id === id || isMentioned(Object.values(it.attributes), id),
      );
      if (span)
        return { otel_trace_id: trace.otel_trace_id, span_id: span.span_id === id ? id : null };
    }
    return null;
  }

  listDownloads() {
    return [];
  }
}

export { findEmbedded };
