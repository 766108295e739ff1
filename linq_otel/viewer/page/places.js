// Where a person is stands in the address, so that reload, back and a mailed link work.

import { isState } from "./states.js";

function readPlace(hash) {
  const trace = /^#\/trace\/([0-9a-f]{1,64})(?:\/span\/([0-9a-f]{1,32}))?$/.exec(hash);
  if (trace) return { page: "trace", otelTraceId: trace[1], spanId: trace[2] ?? null };
  const words = new URLSearchParams(hash.split("?")[1] ?? "");
  const state = words.get("state") ?? "";
  return { page: "list", state: isState(state) ? state : "", query: words.get("query") ?? "" };
}

function writeTrace(otelTraceId, spanId = null) {
  return `#/trace/${otelTraceId}${spanId ? `/span/${spanId}` : ""}`;
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

export { moveTo, readPlace, writeList, writeTrace };
