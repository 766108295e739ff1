// The rows of the list: one of them is the active one, which keys move and Enter opens.

import { get } from "./elements.js";
import { drawMessage, refreshAges } from "./message_rows.js";
import { keyOfMessage } from "./message_pages.js";
import { writeMessage } from "./places.js";
import { Rolling } from "./rolling.js";

class MessageGrid {
  #active = 0;
  #activeId = null;

  constructor(pages) {
    this.pages = pages;
    this.grid = get("messages");
    this.rolling = new Rolling(this.grid, get("message-rows"), (at) => this.#draw(at));
    this.grid.addEventListener("scroll", () => this.#want(), { passive: true });
    get("message-rows").addEventListener("click", (event) => this.#click(event));
  }

  // What is being read stays where it is when new messages come in above it.
  show({ isFresh }) {
    const grown = this.pages.total - this.total;
    this.total = this.pages.total;
    this.grid.setAttribute("aria-rowcount", this.total + 1);
    if (isFresh) this.#toTop();
    else if (grown > 0 && this.grid.scrollTop > 0) this.#shift(grown);
    const kept = this.#activeId === null ? -1 : this.pages.findIndex(this.#activeId);
    this.#active = Math.max(0, Math.min(kept >= 0 ? kept : this.#active, this.total - 1));
    this.rolling.show(this.total);
    this.#mark();
    this.#want();
  }

  fillIn() {
    this.rolling.redraw();
    this.#mark();
  }

  refreshAges() {
    refreshAges(this.grid);
  }

  step(by) {
    this.#moveTo(this.#active + by);
  }

  pageRows() {
    return Math.max(1, Math.floor(this.grid.clientHeight / this.rolling.height) - 2);
  }

  find() {
    return this.pages.find(this.#active);
  }

  open() {
    const message = this.find();
    if (message) location.hash = writeMessage(message);
  }

  #shift(rows) {
    this.#active += rows;
    const top = this.grid.scrollTop;
    get("message-rows").style.height = `${this.total * this.rolling.height}px`;
    this.grid.scrollTop = top + rows * this.rolling.height;
  }

  #toTop() {
    this.grid.scrollTop = 0;
    this.#active = 0;
    this.#activeId = null;
  }

  #moveTo(at) {
    if (!this.total) return;
    this.#active = Math.max(0, Math.min(at, this.total - 1));
    this.#activeId = keyOfMessage(this.find());
    this.rolling.reveal(this.#active);
    this.grid.focus({ preventScroll: true });
    this.#mark();
  }

  #mark() {
    for (const row of this.grid.querySelectorAll(".message.active")) this.#setActive(row, false);
    const row = this.rolling.findRow(this.#active);
    if (row) this.#setActive(row, true);
    if (row) this.grid.setAttribute("aria-activedescendant", row.id);
    else this.grid.removeAttribute("aria-activedescendant");
  }

  #setActive(row, isActive) {
    row.classList.toggle("active", isActive);
    row.setAttribute("aria-selected", String(isActive));
  }

  #draw(at) {
    return drawMessage(this.pages.find(at), at, at === this.#active);
  }

  #want() {
    this.pages.want(this.rolling.findSight());
  }

  #click(event) {
    const row = event.target.closest(".message");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    this.#moveTo(Number(row.id.slice("message-".length)));
    this.open();
  }
}

export { MessageGrid };
