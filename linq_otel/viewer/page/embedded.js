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

// The very same object for the same story and message: a page that is drawn stays.
function remember(told, story, message) {
  const messages = told.get(story) ?? new Map();
  told.set(story, messages);
  if (!messages.has(message)) messages.set(message, { ...story, message });
  return messages.get(message);
}

class Embedded {
  isLive = false;
  #told = new Map();

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

  async findStory(otelTraceId, messageId) {
    const holds = (story) => story.traces.some((it) => it.otel_trace_id === otelTraceId);
    const story = this.stories[otelTraceId] ?? Object.values(this.stories).find(holds);
    const message = this.messages.find((it) => messageId && it.message_id === messageId);
    return story ? remember(this.#told, story, message ?? story.message) : null;
  }

  async findPlace(wanted) {
    const id = wanted.toLowerCase();
    const traces = Object.values(this.stories).flatMap((it) => it.traces);
    const message = this.messages.find((it) => it.message_id?.toLowerCase().startsWith(id));
    if (message) return { ...message, span_id: null };
    const trace = traces.find((it) => it.otel_trace_id.startsWith(id));
    if (trace) return { otel_trace_id: trace.otel_trace_id, span_id: null };
    for (const { otel_trace_id, spans } of traces) {
      const span = spans.find((it) => it.span_id.startsWith(id));
      if (span) return { otel_trace_id, span_id: span.span_id };
      if (spans.some((it) => isMentioned(Object.values(it.attributes), id)))
        return { otel_trace_id, span_id: null };
    }
    return null;
  }

  listDownloads() {
    return [];
  }
}

export { findEmbedded };
