// The links of a span, both ways, as a list to walk along.

import { copyButton } from "./copying.js";
import { build } from "./elements.js";
import { showName } from "./texts.js";
import { writeValue } from "./values.js";

const RELATION = "linq.link";

function drawLinks(span, onWalk) {
  return build(
    "ul",
    { class: "links" },
    ...span.links.map((it) => build("li", {}, drawPanelLink(it, onWalk))),
  );
}

function drawPanelLink(link, onWalk) {
  const relation = link.raw.attributes[RELATION];
  const said = relation === undefined ? "" : showName(writeValue(relation));
  return link.span ? drawWalk(link, said, onWalk) : drawMissing(link, said);
}

function drawWalk(link, said, onWalk) {
  const words =
    link.leads === "to" ? `points to ${said}` : `pointed at${said ? ` as ${said}` : ""} by`;
  const button = build(
    "button",
    { class: `walk leads-${link.leads}`, type: "button" },
    build("span", { class: "relation" }, words.trim()),
    build("bdi", { class: "target" }, showName(link.span.raw.name)),
    build("bdi", { class: "aside" }, showName(link.span.raw.service_name)),
  );
  button.addEventListener("click", () => onWalk(link.span));
  return button;
}

function drawMissing(link, said) {
  const { otel_trace_id: otelTraceId, span_id: spanId } = link.raw;
  return build(
    "span",
    { class: "walk missing" },
    build("span", { class: "relation" }, `points to ${said}`.trim()),
    build("span", { class: "target" }, `span ${spanId}, not here`),
    copyButton("its trace id", otelTraceId),
  );
}

// One link is followed at once; among several the person chooses, with the same keys as ever.
function stepInLinks(by) {
  const buttons = [...document.querySelectorAll("#panel .links button.walk")];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return false;
  buttons[Math.max(0, Math.min(at + by, buttons.length - 1))].focus();
  return true;
}

function focusLinks() {
  document.querySelector("#panel .links button.walk")?.focus();
}

export { drawLinks, focusLinks, stepInLinks };
