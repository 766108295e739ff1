// The page of one story: its picture, the details of one span, and the way between them.

import { inTurn } from "./changes.js";
import { copyText } from "./copying.js";
import { get } from "./elements.js";
import { Looking } from "./looking.js";
import { complain, complainOf, say, settle } from "./notices.js";
import { Panel } from "./panel.js";
import { focusLinks, stepInLinks } from "./panel_links.js";
import { Picture } from "./picture.js";
import { moveTo, writeTrace } from "./places.js";
import { Story } from "./story.js";
import { drawStoryHead } from "./story_head.js";
import { showName } from "./texts.js";
import { listEscape, listTraceKeys } from "./trace_keys.js";

class TracePage {
  #otelTraceId = null;
  #story = null;
  #spanId = null;
  #messageId = null;
  #found = null;
  #isShown = false;

  constructor(source, findListHash) {
    this.source = source;
    this.findListHash = findListHash;
    this.panel = new Panel({
      onClose: () => this.#closePanel(),
      onWalk: (span) => this.#walkTo(span),
    });
    this.picture = new Picture({
      onActive: (entry) => this.#follow(entry),
      onChoose: (entry) => this.#choose(entry.span),
    });
    this.refresh = inTurn(() => this.#load());
    this.looking = new Looking(this.picture);
  }

  async show({ otelTraceId, spanId, messageId }) {
    const isOther = messageId !== this.#messageId;
    [this.#otelTraceId, this.#spanId, this.#messageId] = [otelTraceId, spanId, messageId];
    const isBack = !this.#isShown;
    this.#isShown = true;
    if (isOther || !this.#story?.holds(otelTraceId)) this.#forget();
    else {
      if (isBack) this.#drawHead(); // The list may be filtered otherwise by now.
      this.#land();
    }
    await this.refresh();
  }

  hide() {
    this.#isShown = false;
  }

  #forget() {
    this.#story = null;
    this.#found = null;
    this.panel.close();
    this.picture.forget();
    get("trace-page").classList.add("empty");
  }

  async #load() {
    const [otelTraceId, messageId] = [this.#otelTraceId, this.#messageId];
    try {
      const found = await this.source.findStory(otelTraceId, messageId);
      if (!this.#isShown || otelTraceId !== this.#otelTraceId) return;
      if (messageId !== this.#messageId) return;
      settle("server");
      if (found) this.#tell(found);
      else if (!this.#story)
        complain(
          "place",
          `No trace ${otelTraceId} is here: it was not sent to this viewer, or has had to make room.`,
        );
    } catch (error) {
      complainOf(error);
    }
  }

  #tell(found) {
    if (found === this.#found) return; // Nothing is new.
    const isNew = this.#story === null;
    this.#found = found;
    this.#story = new Story(found);
    get("trace-page").classList.remove("empty");
    this.#drawHead();
    this.picture.show(this.#story);
    if (isNew) {
      settle("place");
      this.#land();
    } else if (this.panel.isOpen && this.picture.active.span) {
      this.panel.show(this.picture.active.span, this.#story);
    }
  }

  #drawHead() {
    const key = this.#story.message?.otel_trace_id ?? this.#otelTraceId;
    document.title = `${showName(this.#story.message?.operation ?? "Trace")} · linq-otel view`;
    drawStoryHead(this.#story, key, {
      listHash: this.findListHash(),
      downloads: this.source.listDownloads(key, this.#messageId),
      onStage: (span) => this.#walkTo(span),
      actions: this.looking.actions,
    });
  }

  #land() {
    const span = this.#spanId ? this.#story.find(this.#otelTraceId, this.#spanId) : null;
    if (this.#spanId && !span)
      complain("place", `The span ${this.#spanId} is not here; this is its trace.`);
    if (span) this.panel.show(span, this.#story);
    else this.panel.close();
    if (span) this.picture.activate(span.key);
    if (!get("panel").contains(document.activeElement))
      get("picture").focus({ preventScroll: true });
  }

  // Along a link: a step the back button takes back.
  #walkTo(span) {
    const hash = this.#writeHash(span.trace.otelTraceId, span.raw.span_id);
    get("picture").focus({ preventScroll: true });
    if (location.hash === hash) this.#land();
    else location.hash = hash;
    say(`${showName(span.raw.name)}, ${showName(span.raw.service_name)}`);
  }

  #choose(span) {
    if (!this.panel.isOpen) {
      this.#walkTo(span);
      return;
    }
    this.picture.activate(span.key);
    this.#follow({ span });
  }

  #follow({ span }) {
    if (!this.panel.isOpen || !span) return;
    this.panel.show(span, this.#story);
    [this.#otelTraceId, this.#spanId] = [span.trace.otelTraceId, span.raw.span_id];
    moveTo(this.#writeHash(span.trace.otelTraceId, span.raw.span_id));
  }

  #writeHash(otelTraceId, spanId = null) {
    return writeTrace(otelTraceId, spanId, this.#messageId);
  }

  #closePanel() {
    this.panel.close();
    this.#spanId = null;
    moveTo(this.#writeHash(this.#otelTraceId));
    get("picture").focus({ preventScroll: true });
  }

  walkOn() {
    const { span } = this.picture.active ?? {};
    const links = span?.links.filter((it) => it.span) ?? [];
    if (links.length === 1) this.#walkTo(links[0].span);
    else if (!links.length) say("No links here");
    else if (this.panel.isOpen) focusLinks();
    else {
      // The panel opens when the address has changed.
      window.addEventListener("hashchange", focusLinks, { once: true });
      this.#walkTo(span);
    }
  }

  step(by) {
    if (!stepInLinks(by)) this.picture.step(by);
  }

  enter() {
    const entry = this.picture.active;
    if (entry?.span) this.#walkTo(entry.span);
    else if (entry) this.picture.toggle(entry);
  }

  escape() {
    if (this.panel.isOpen) this.#closePanel();
    else location.hash = this.findListHash();
  }

  listKeys() {
    return this.#story ? listTraceKeys(this) : [listEscape(this)];
  }

  copy() {
    const { span, trace } = this.picture.active;
    copyText(span ? span.raw.span_id : trace.otelTraceId);
  }
}

export { TracePage };
