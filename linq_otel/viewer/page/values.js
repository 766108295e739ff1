// Attributes as they were set, of any type and length; long ones are cut until they are asked for.

import { copyButton } from "./copying.js";
import { build } from "./elements.js";
import { writeJson } from "./parsing.js";
import { showName, showValue } from "./texts.js";

const MOST_CHARACTERS = 400;

function writeValue(value) {
  return typeof value === "object" && value !== null ? writeJson(value) : String(value);
}

function drawText(text) {
  const field = build(
    "span",
    { class: "value", dir: "auto" },
    showValue(text.slice(0, MOST_CHARACTERS)),
  );
  if (text.length <= MOST_CHARACTERS) return [field];
  const words = `… show all ${text.length.toLocaleString("en")} characters`;
  const more = build("button", { class: "more", type: "button" }, words);
  more.addEventListener("click", () => {
    field.textContent = showValue(text);
    more.remove();
  });
  return [field, more];
}

function drawPair(name, text, ...beside) {
  return build(
    "div",
    { class: "pair" },
    build("dt", {}, build("bdi", {}, showName(name))),
    build("dd", {}, ...drawText(text), ...beside, copyButton(showName(name), text)),
  );
}

function drawAttributes(attributes) {
  const names = Object.keys(attributes).sort();
  return names.map((name) => drawPair(name, writeValue(attributes[name])));
}

export { drawAttributes, drawPair, writeValue };
