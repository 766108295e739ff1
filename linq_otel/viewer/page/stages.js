// The life of the message in one line: each stage, and how long it took to come to it.

import { build } from "./elements.js";
import { icon } from "./icons.js";
import { isState } from "./states.js";
import { showName } from "./texts.js";
import { spellDuration, spellSecond } from "./times.js";

const STAGE = "linq.stage";
const MESSAGE_ID = "linq.message.id";

function findStages(story) {
  const spans = story.spans.filter((it) => isState(it.raw.attributes[STAGE]));
  const id = story.message?.message_id;
  const own = spans.filter((it) => id && it.raw.attributes[MESSAGE_ID] === id);
  const ordered = (own.length ? own : spans).sort((a, b) => a.to - b.to);
  const first = new Map([...ordered].reverse().map((it) => [it.raw.attributes[STAGE], it]));
  return ordered.filter((it) => first.get(it.raw.attributes[STAGE]) === it);
}

function drawStages(story, onChoose) {
  const stages = findStages(story);
  if (!stages.length) return null;
  return build(
    "ol",
    { class: "stages", "aria-label": "Stages of the message" },
    ...stages.map((it) => drawStage(it, onChoose)),
  );
}

function drawStage(span, onChoose) {
  const word = span.raw.attributes[STAGE];
  const button = build(
    "button",
    { class: `stage state-${word}`, type: "button", title: spellSecond(span.endNs) },
    build("span", { class: "stage-sign" }, icon(word)),
    build("b", {}, showName(word)),
    build(
      "span",
      { class: "stage-time" },
      span.isInstant ? "at once" : `after ${spellDuration(span.to - span.from)}`,
    ),
  );
  button.addEventListener("click", () => onChoose(span));
  return build("li", {}, button);
}

export { drawStages };
