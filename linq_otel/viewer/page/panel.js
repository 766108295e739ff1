// Everything about one span, to be read and copied.

import { copyText } from "./copying.js";
import { build, get } from "./elements.js";
import { icon } from "./icons.js";
import { drawLinks } from "./panel_links.js";
import { writeJson } from "./parsing.js";
import { signOf } from "./span_rows.js";
import { countOf, showName } from "./texts.js";
import { spellDuration, spellLocal, spellUtc, spellZone } from "./times.js";
import { drawAttributes, drawPair } from "./values.js";

class Panel {
  #span = null;
  #story = null;

  constructor({ onClose, onWalk }) {
    this.onClose = onClose;
    this.onWalk = onWalk;
    this.element = get("panel");
  }

  get isOpen() {
    return !this.element.hidden;
  }

  close() {
    this.element.hidden = true;
    this.#span = null;
  }

  show(span, story) {
    if (this.#span === span) return;
    const isSame = this.#span?.key === span.key; // A story that went on is read where one was.
    [this.#span, this.#story] = [span, story];
    this.element.hidden = false;
    if (!isSame) this.element.scrollTop = 0;
    this.element.replaceChildren(this.#drawTop(), ...this.#drawParts());
  }

  #drawTop() {
    const { raw } = this.#span;
    const close = build(
      "button",
      { class: "plain", type: "button", "aria-label": "Close the details" },
      icon("close"),
    );
    close.addEventListener("click", this.onClose);
    return build(
      "header",
      {
        class: `panel-top ${this.#story.colorOf(raw.service_name)}${this.#span.isFailed ? " failed" : ""}`,
      },
      build("div", {}, build("h2", {}, build("bdi", {}, showName(raw.name))), this.#drawSubtitle()),
      close,
    );
  }

  #drawSubtitle() {
    const { raw, isFailed, isLate } = this.#span;
    return build(
      "p",
      { class: "subtitle" },
      build("i", { class: "dot" }),
      build("bdi", {}, showName(raw.service_name)),
      ` ${signOf(raw.kind)[1]} `,
      isFailed ? build("span", { class: "badge state-failed" }, icon("failed"), "failed") : null,
      isLate ? build("span", { class: "tag" }, icon("late"), "late") : null,
    );
  }

  #drawParts() {
    const { raw, links } = this.#span;
    return [
      part("Time", build("dl", { class: "short" }, ...this.#drawTimes())),
      links.length ? part(countOf(links.length, "link"), drawLinks(this.#span, this.onWalk)) : null,
      part(
        countOf(Object.keys(raw.attributes).length, "attribute"),
        build("dl", {}, ...drawAttributes(raw.attributes)),
      ),
      part("Ids", build("dl", { class: "short" }, ...this.#drawIds())),
      this.#drawCopyAll(),
    ].filter(Boolean);
  }

  #drawTimes() {
    const { startNs, endNs, from } = this.#span;
    const zone = spellZone(startNs);
    const isEarly = endNs < startNs;
    return [
      drawPair(
        "lasts",
        spellDuration(endNs - startNs),
        isEarly ? aside("ends before it starts") : null,
      ),
      drawPair("starts", `+${spellDuration(from)}`, aside("after the first span of the story")),
      drawPair("start, local", spellLocal(startNs), aside(zone)),
      drawPair("start, UTC", spellUtc(startNs), aside("UTC")),
      drawPair("end, local", spellLocal(endNs), aside(zone)),
      drawPair("end, UTC", spellUtc(endNs), aside("UTC")),
    ];
  }

  #drawIds() {
    const { raw, trace } = this.#span;
    return [
      drawPair("trace", trace.otelTraceId),
      drawPair("span", raw.span_id),
      raw.parent_span_id ? drawPair("parent", raw.parent_span_id, this.#drawParent()) : null,
      drawPair("scope", raw.scope_name),
      drawPair("kind", raw.kind),
      drawPair("status", raw.status),
    ].filter(Boolean);
  }

  #drawParent() {
    const parent = this.#story.find(this.#span.trace.otelTraceId, this.#span.raw.parent_span_id);
    if (!parent) return aside("not here");
    const button = build("button", { class: "more", type: "button" }, "go there");
    button.addEventListener("click", () => this.onWalk(parent));
    return button;
  }

  #drawCopyAll() {
    const text = writeJson({ otel_trace_id: this.#span.trace.otelTraceId, ...this.#span.raw });
    const button = build(
      "button",
      { class: "button", type: "button" },
      icon("copy"),
      "Copy this span as JSON",
    );
    button.addEventListener("click", () => copyText(text));
    return button;
  }
}

function part(title, content) {
  return build("section", {}, build("h3", {}, title), content);
}

function aside(words) {
  return build("span", { class: "aside" }, ` ${words}`);
}

export { Panel };
