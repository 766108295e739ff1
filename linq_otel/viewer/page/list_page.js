// The list of messages: filtered, searched, and kept up to date.

import { inTurn } from "./changes.js";
import { copyText } from "./copying.js";
import { get } from "./elements.js";
import { Filters } from "./filters.js";
import { drawFirstSteps, drawNoMatch } from "./first_steps.js";
import { MessageGrid } from "./message_grid.js";
import { MessagePages } from "./message_pages.js";
import { complainOf, say, settle } from "./notices.js";
import { moveTo, writeList } from "./places.js";
import { countOf } from "./texts.js";

const AGES_MS = 5_000;

class ListPage {
  #place = { state: "", query: "" };
  #shown = null;

  constructor(source) {
    this.pages = new MessagePages(source, () => this.grid.fillIn(), complainOf);
    this.grid = new MessageGrid(this.pages);
    this.filters = new Filters((state) => this.#choose({ ...this.#place, state }));
    this.refresh = inTurn(() => this.#load());
    setInterval(() => this.grid.refreshAges(), AGES_MS);
  }

  get hash() {
    return writeList(this.#place.state, this.#place.query);
  }

  async show({ state, query }) {
    this.#place = { state, query };
    document.title = "Messages · linq-otel view";
    await this.refresh();
    if (!document.activeElement || document.activeElement === document.body) {
      get("messages").focus({ preventScroll: true });
    }
  }

  search(query) {
    this.#choose({ ...this.#place, query });
  }

  #choose(place) {
    this.#place = place;
    moveTo(this.hash);
    this.refresh();
  }

  async #load() {
    const { state, query } = this.#place;
    const isFresh = this.#shown !== this.hash;
    const sight = isFresh ? [0, 1] : this.grid.rolling.findSight();
    try {
      if (!(await this.pages.reload({ state, query }, sight))) return;
    } catch (error) {
      complainOf(error);
      return;
    }
    settle("server");
    if (isFresh) say(countOf(this.pages.total, "message"));
    this.#shown = writeList(state, query);
    this.#draw(isFresh);
  }

  #draw(isFresh) {
    const { total, counts } = this.pages;
    const nothing = get("nothing");
    this.filters.show(this.#place.state, counts);
    nothing.hidden = total > 0;
    get("messages").hidden = total === 0;
    if (total) this.grid.show({ isFresh });
    else if (this.hash !== "#/") nothing.replaceChildren(...drawNoMatch(() => this.#reset()));
    else if (!nothing.querySelector("pre")) nothing.replaceChildren(...drawFirstSteps());
  }

  #reset() {
    get("search-field").value = "";
    this.#choose({ state: "", query: "" });
    get("messages").focus();
  }

  listKeys() {
    const grid = this.grid;
    return [
      { keys: ["j", "ArrowDown"], words: "next message", run: () => grid.step(1) },
      { keys: ["k", "ArrowUp"], words: "message before", run: () => grid.step(-1) },
      { keys: ["PageDown"], words: "a page down", run: () => grid.step(grid.pageRows()) },
      { keys: ["PageUp"], words: "a page up", run: () => grid.step(-grid.pageRows()) },
      { keys: ["Home"], words: "first message", run: () => grid.step(-Infinity) },
      { keys: ["End"], words: "last message", run: () => grid.step(Infinity) },
      { keys: ["Enter"], words: "open the message", run: () => grid.open() },
      { keys: ["c"], words: "copy the message's id", run: () => this.#copy() },
    ];
  }

  #copy() {
    const message = this.grid.find();
    if (message) copyText(message.message_id ?? message.otel_trace_id);
  }
}

export { ListPage };
