// The top of a trace page: what became of the message, its ids, and the buttons of the picture.

import { copyButton } from "./copying.js";
import { build, get } from "./elements.js";
import { icon } from "./icons.js";
import { nameMessage } from "./message_rows.js";
import { drawStages } from "./stages.js";
import { badge } from "./states.js";
import { countOf, shortenId, showName, showValue } from "./texts.js";
import { spellDuration, spellSecond, spellZone } from "./times.js";

const MOST_IDS = 3;

function drawStoryHead(story, otelTraceId, { listHash, downloads, onStage, actions }) {
  get("story-head").replaceChildren(
    build(
      "div",
      { class: "title-line" },
      drawTitle(story, otelTraceId, listHash),
      drawTools(actions, downloads),
    ),
    build(
      "div",
      { class: "stage-line" },
      ...[drawStages(story, onStage), drawIds(story)].filter(Boolean),
    ),
    ...drawSplit(story),
  );
}

// What did not join is the first thing to know about the picture.
function drawSplit({ message }) {
  const text = message?.split?.text;
  return text ? [build("p", { class: "split", role: "note" }, showValue(text))] : [];
}

function drawTitle(story, otelTraceId, listHash) {
  const { message } = story;
  const name = message ? nameMessage(message) : `trace ${shortenId(otelTraceId)}`;
  return build(
    "div",
    { class: "title" },
    build("a", { class: "plain back", href: listHash, "aria-label": "All messages" }, icon("back")),
    build("h1", {}, build("bdi", {}, name)),
    message ? badge(message.state) : null,
    build("p", { class: "facts" }, listFacts(story).join(" · ")),
  );
}

function listFacts(story) {
  const traces = story.traces.length;
  const joined =
    story.parts > 1 ? `in ${story.parts} parts that no link joins` : "joined by links";
  return [
    traces > 1 ? `${traces} traces ${joined}` : "1 trace",
    countOf(story.spans.length, "span"),
    spellDuration(story.length),
    `${spellSecond(story.startNs)} ${spellZone(story.startNs)}`,
  ];
}

function drawIds({ message }) {
  if (!message) return null;
  const pairs = [
    ["message", message.message_id],
    ["chat", message.chat_id],
    ...message.linq_trace_ids.slice(0, MOST_IDS).map((it) => ["Linq trace", it]),
    ["error", message.error_code],
  ].filter(([, id]) => id !== null && id !== undefined);
  return build(
    "ul",
    { class: "ids", "aria-label": "Ids of the message" },
    ...pairs.map(([kind, id]) => drawCopiedId(kind, String(id))),
  );
}

function drawCopiedId(kind, id) {
  return build(
    "li",
    {},
    `${kind} `,
    build("code", { title: showName(id) }, shortenId(id)),
    copyButton(`the ${kind} id`, id),
  );
}

function drawTools(actions, downloads) {
  const tools = actions.map(({ name, words, keys, run }) => {
    const button = build(
      "button",
      {
        id: `tool-${name}`,
        class: "plain",
        type: "button",
        "aria-label": words,
        title: `${words} (${keys[0]})`,
        "aria-keyshortcuts": keys[0],
      },
      icon(name),
    );
    button.addEventListener("click", run);
    return button;
  });
  const links = downloads.map(([word, href]) =>
    build(
      "a",
      { class: "button small", href, download: true, "aria-label": `Download as ${word}` },
      icon("download"),
      word,
    ),
  );
  return build(
    "div",
    { class: "tools", role: "group", "aria-label": "Picture" },
    ...tools,
    ...links,
  );
}

function markFolding(scale) {
  const button = get("tool-fold");
  if (!button) return;
  button.setAttribute("aria-pressed", String(scale.isFolding));
  button.disabled = !scale.folds.length;
  get("tool-whole").disabled = !scale.isZoomed;
}

export { drawStoryHead, markFolding };
