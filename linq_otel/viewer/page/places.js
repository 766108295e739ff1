// Where a person is stands in the address, so that reload, back and a mailed link work.

import { isState } from "./states.js";

function readPlace(hash) {
  const [path, query] = hash.split("?");
  const words = new URLSearchParams(query ?? "");
  const trace = /^#\/trace\/([0-9a-f]{1,64})(?:\/span\/([0-9a-f]{1,32}))?$/.exec(path);
  if (trace) {
    const messageId = words.get("message");
    return { page: "trace", otelTraceId: trace[1], spanId: trace[2] ?? null, messageId };
  }
  const state = words.get("state") ?? "";
  return { page: "list", state: isState(state) ? state : "", query: words.get("query") ?? "" };
}

// A trace may hold several messages, so the one that is looked at is named.
function writeTrace(otelTraceId, spanId = null, messageId = null) {
  const query = messageId ? `?${new URLSearchParams({ message: messageId })}` : "";
  return `#/trace/${otelTraceId}${spanId ? `/span/${spanId}` : ""}${query}`;
}

function writeMessage(message) {
  return writeTrace(message.otel_trace_id, null, message.message_id);
}

function writeList(state, query) {
  const words = new URLSearchParams();
  if (state) words.set("state", state);
  if (query) words.set("query", query);
  return words.size ? `#/?${words}` : "#/";
}

// Walking about inside a page must not fill the history.
function moveTo(hash) {
  history.replaceState(null, "", hash);
}

export { moveTo, readPlace, writeList, writeMessage, writeTrace };
