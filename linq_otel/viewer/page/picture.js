// The picture of a story: rows on one axis, one of them active; what is folded, closed and zoomed.

import { get } from "./elements.js";
import { LinkLines } from "./link_lines.js";
import { Rolling } from "./rolling.js";
import { drawRule } from "./rule.js";
import { Scale } from "./scale.js";
import { drawEntry } from "./span_rows.js";
import { Tree } from "./tree.js";
import { Zooming } from "./zooming.js";

class Picture {
  #activeKey = null;
  #hovered = null;
  story = null;

  // `onActive(entry)` hears of each move, `onChoose(entry)` of a click or a link walked.
  constructor({ onActive, onChoose }) {
    this.onActive = onActive;
    this.onChoose = onChoose;
    this.grid = get("picture");
    this.rows = get("span-rows");
    this.rolling = new Rolling(this.grid, this.rows, (at) => this.#drawRow(at));
    this.lines = new LinkLines(this, (span) => this.onChoose({ span, trace: span.trace }));
    new Zooming(
      () => this.scale,
      () => get("rule").getBoundingClientRect(),
      () => this.redraw(),
    );
    new ResizeObserver(() => this.#fit()).observe(get("rule"));
    this.rows.addEventListener("click", (event) => this.#click(event));
    this.rows.addEventListener("pointerover", (event) =>
      this.#hover(event.target.closest(".entry")),
    );
    this.rows.addEventListener("pointerleave", () => this.#hover(null));
  }

  show(story) {
    const isSame = this.story !== null;
    this.story = story;
    this.tree = isSame ? this.tree : new Tree(story);
    this.scale = isSame ? this.scale : new Scale(story);
    if (isSame) {
      this.tree.tell(story);
      this.scale.tell(story);
    } else {
      this.#activeKey = this.tree.shown[0]?.key ?? null;
      this.grid.scrollTop = 0;
    }
    this.#fit();
  }

  forget() {
    this.story = null;
  }

  // After a change of what is open, folded or looked at.
  redraw() {
    this.grid.setAttribute("aria-rowcount", this.tree.shown.length + 1);
    drawRule(this.scale, (wait) => this.foldOne(wait));
    this.rolling.show(this.tree.shown.length);
    this.onRedraw();
    this.#mark();
  }

  get active() {
    return this.tree.shown[this.#at];
  }

  get #at() {
    return Math.max(0, this.tree.indexOf(this.#activeKey));
  }

  activate(key) {
    this.tree.uncover(key);
    this.#activeKey = key;
    this.redraw();
    this.rolling.reveal(this.#at);
    this.#mark();
  }

  step(by) {
    const at = Math.max(0, Math.min(this.#at + by, this.tree.shown.length - 1));
    this.#moveTo(at);
  }

  #moveTo(at) {
    this.#activeKey = this.tree.shown[at].key;
    this.rolling.reveal(at);
    this.#mark();
    this.grid.focus({ preventScroll: true });
    this.onActive(this.active);
  }

  pageRows() {
    return Math.max(1, Math.floor(this.grid.clientHeight / this.rolling.height) - 2);
  }

  // As trees do: left closes, or goes up to the parent; right opens, or goes to the first child.
  close() {
    if (this.active.hasChildren && this.tree.isOpen(this.active)) this.toggle(this.active);
    else if (this.tree.indexOfParent(this.#at) >= 0)
      this.#moveTo(this.tree.indexOfParent(this.#at));
  }

  open() {
    if (!this.active.hasChildren) return;
    if (this.tree.isOpen(this.active)) this.step(1);
    else this.toggle(this.active);
  }

  toggle(entry) {
    this.tree.setOpen(entry, !this.tree.isOpen(entry));
    this.redraw();
  }

  foldOne(wait) {
    this.scale.toggleFold(wait);
    this.redraw();
  }

  locate(span) {
    const at = this.tree.indexOf(span.key);
    if (at < 0) return null;
    const middle = parseFloat(getComputedStyle(this.rows).getPropertyValue("--middle"));
    const percent = Math.min(Math.max(this.scale.toPercent(span.from), 0), 100);
    return [(percent / 100) * this.scale.width, (at + middle) * this.rolling.height];
  }

  #fit() {
    if (!this.story || !get("rule").clientWidth) return;
    this.scale.width = get("rule").clientWidth;
    this.redraw();
  }

  #drawRow(at) {
    const entry = this.tree.shown[at];
    const state = { isOpen: this.tree.isOpen(entry), isActive: entry.key === this.#activeKey };
    return drawEntry(entry, at, { story: this.story, scale: this.scale, ...state });
  }

  #mark() {
    for (const row of this.rows.querySelectorAll(".entry.active")) this.#setActive(row, false);
    const row = this.rolling.findRow(this.#at);
    if (row) this.#setActive(row, true);
    if (row) this.grid.setAttribute("aria-activedescendant", row.id);
    else this.grid.removeAttribute("aria-activedescendant");
    this.#drawLinks();
  }

  #setActive(row, isActive) {
    row.classList.toggle("active", isActive);
    row.setAttribute("aria-selected", String(isActive));
  }

  #drawLinks() {
    this.lines.show([this.active?.span, this.#hovered?.span].filter(Boolean));
  }

  #hover(row) {
    const entry = row ? this.#entryOf(row) : null;
    if (entry === this.#hovered) return;
    this.#hovered = entry;
    this.#drawLinks();
  }

  #entryOf(row) {
    return this.tree.shown[Number(row.id.slice("span-".length))];
  }

  #click(event) {
    const row = event.target.closest(".entry");
    if (!row) return;
    const entry = this.#entryOf(row);
    this.#activeKey = entry.key;
    this.#mark();
    this.grid.focus({ preventScroll: true });
    if (!entry.span || event.target.closest(".toggle .icon")) this.toggle(entry);
    else this.onChoose(entry);
  }
}

export { Picture };
