// One message as a row: what became of it, what it is, and when it was last heard of.

import { build } from "./elements.js";
import { writeMessage } from "./places.js";
import { badge } from "./states.js";
import { shortenId, showName } from "./texts.js";
import { readNs, spellAge, spellSecond, toMs } from "./times.js";

function drawMessage(message, at, isActive) {
  const row = build("div", {
    class: `message${isActive ? " active" : ""}`,
    role: "row",
    id: `message-${at}`,
    "aria-rowindex": at + 2,
    "aria-selected": String(isActive),
  });
  row.append(...(message ? drawCells(message) : [cell("waiting", "…")]));
  return row;
}

function cell(name, ...children) {
  return build("span", { role: "gridcell", class: name }, ...children);
}

function drawCells(message) {
  return [
    cell("state", badge(message.state)),
    cell("what", ...drawOperation(message)),
    cell("id", drawId(message)),
    cell("services", build("bdi", {}, showName(message.service_names.join(", ")))),
    cell("protocol", showName(message.protocol ?? "")),
    cell("spans", message.spans.toLocaleString("en")),
    cell("age", drawAge(message.updated_ns)),
  ];
}

function nameMessage(message) {
  const unnamed = message.direction === "inbound" ? "message received" : "message";
  return showName(message.operation ?? unnamed);
}

function drawOperation(message) {
  const link = build(
    "a",
    { href: writeMessage(message), tabindex: "-1" },
    build("bdi", {}, nameMessage(message)),
  );
  const code = message.error_code;
  const hasCode = code !== null && code !== undefined;
  return [link, hasCode ? build("span", { class: "error-code" }, `error ${showName(code)}`) : null];
}

function drawId(message) {
  const id = message.message_id ?? message.otel_trace_id;
  const kind = message.message_id ? "message" : "trace";
  return build("code", { title: `${kind} ${showName(id)}` }, shortenId(id));
}

function drawAge(updatedNs) {
  const ns = readNs(updatedNs);
  return build(
    "time",
    { datetime: new Date(toMs(ns)).toISOString(), title: spellSecond(ns), "data-ns": String(ns) },
    spellAge(ns, Date.now()),
  );
}

function refreshAges(within) {
  for (const time of within.querySelectorAll("time[data-ns]")) {
    time.textContent = spellAge(BigInt(time.dataset.ns), Date.now());
  }
}

export { drawMessage, nameMessage, refreshAges };
