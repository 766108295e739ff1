// A row of the picture: on the left who and what, on the right when.

import { describeBar, drawBar } from "./bars.js";
import { build } from "./elements.js";
import { icon } from "./icons.js";
import { countOf, showName } from "./texts.js";

const KINDS = {
  SERVER: ["←", "serves"],
  CLIENT: ["→", "calls"],
  PRODUCER: ["»", "sends"],
  CONSUMER: ["«", "receives"],
  INTERNAL: ["·", "inside"],
};
const DEEPEST = 12; // Deeper levels share one indent.

function signOf(kind) {
  return KINDS[kind] ?? KINDS.INTERNAL;
}

function drawEntry(entry, at, { story, scale, isOpen, isActive }) {
  const row = build("div", {
    role: "row",
    id: `span-${at}`,
    class: ["entry", entry.span ? "of-span" : "of-trace", isActive ? "active" : ""].join(" "),
    "aria-level": entry.level,
    "aria-rowindex": at + 2,
    "aria-selected": String(isActive),
    "aria-expanded": entry.hasChildren ? String(isOpen) : null,
  });
  if (entry.span) mark(row, entry.span, story);
  const name = entry.span ? nameSpan(entry) : nameTrace(entry.trace, story);
  row.append(
    build(
      "span",
      { role: "gridcell", class: `name depth-${Math.min(entry.level - 1, DEEPEST)}` },
      toggle(entry, isOpen),
      ...name,
    ),
    entry.span ? drawBarCell(entry.span, scale) : build("span", { role: "gridcell", class: "bar" }),
  );
  return row;
}

function mark(row, span, story) {
  row.classList.add(story.colorOf(span.raw.service_name));
  row.classList.toggle("failed", span.isFailed);
  row.classList.toggle("late", span.isLate);
}

function drawBarCell(span, scale) {
  return build(
    "span",
    { role: "gridcell", class: "bar", "aria-label": describeBar(span) },
    ...drawBar(span, scale),
  );
}

function toggle(entry, isOpen) {
  const sign = build("span", { class: `toggle${isOpen ? " open" : ""}`, "aria-hidden": "true" });
  if (entry.hasChildren) sign.append(icon("open"));
  return sign;
}

function nameSpan({ span, trace }) {
  const { raw } = span;
  const [sign, word] = signOf(raw.kind);
  const isElsewhere = raw.service_name !== trace.serviceNames[0];
  return [
    build("i", { class: "dot", title: showName(raw.service_name) }),
    build("span", { class: "kind", title: word, "aria-hidden": "true" }, sign),
    span.isFailed ? build("span", { class: "cross", title: "failed" }, icon("failed")) : null,
    build("bdi", { class: "span-name", title: showName(raw.name) }, showName(raw.name)),
    isElsewhere ? build("bdi", { class: "aside elsewhere" }, showName(raw.service_name)) : null,
    span.isLate ? build("span", { class: "tag" }, icon("late"), "late") : null,
    raw.remark ? build("span", { class: "aside" }, showName(raw.remark)) : null,
    span.links.length
      ? build(
          "span",
          { class: "links-mark", title: countOf(span.links.length, "link") },
          icon("link"),
        )
      : null,
  ];
}

function nameTrace(trace, story) {
  const services = trace.serviceNames.map((name) =>
    build(
      "span",
      { class: `service ${story.colorOf(name)}` },
      build("i", { class: "dot" }),
      build("bdi", {}, showName(name)),
    ),
  );
  return [
    ...services,
    build(
      "span",
      { class: "aside", title: `trace ${trace.otelTraceId}` },
      `trace ${trace.otelTraceId.slice(0, 8)}… · ${countOf(trace.spans.length, "span")}`,
    ),
  ];
}

export { drawEntry, signOf };
