// An empty list teaches what to do next, in lines that can be copied.

import { copyButton } from "./copying.js";
import { build } from "./elements.js";

function drawCommand(words, command) {
  return build(
    "div",
    { class: "command" },
    build("p", {}, words),
    build("pre", {}, build("code", {}, command), copyButton("the command", command)),
  );
}

function drawFirstSteps() {
  const endpoint = location.origin;
  return [
    build("h2", {}, "Nothing has arrived yet"),
    build("p", {}, "This page fills by itself as soon as spans come in. Point an app at it:"),
    drawCommand(
      "Your own app, without touching it",
      `OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf opentelemetry-instrument python app.py`,
    ),
    drawCommand(
      "Or one made-up message, from send to read",
      `linq-otel demo --endpoint ${endpoint}`,
    ),
  ];
}

function drawNoMatch(onReset) {
  const all = build("button", { class: "button", type: "button" }, "Show all messages");
  all.addEventListener("click", onReset);
  return [
    build("h2", {}, "No message matches"),
    build("p", {}, "Press Enter in the search field to look for the id in every span."),
    all,
  ];
}

export { drawFirstSteps, drawNoMatch };
