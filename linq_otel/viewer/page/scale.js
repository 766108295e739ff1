// What part of the axis is looked at, and where on the screen a moment is drawn, in percent.

import { chooseFolds, layAxis, toOffset, toShare } from "./axis.js";

const FOLD_PIXELS = 86;
const NARROWEST = 1e-7;

class Scale {
  #open = new Set();
  #window = [0, 1];
  #width = 1000;

  constructor(story) {
    this.tell(story);
  }

  tell(story) {
    this.length = story.length;
    this.waits = story.waits;
    this.folds = chooseFolds(story.waits, story.length);
    this.#lay();
  }

  set width(pixels) {
    this.#width = Math.max(pixels, 1);
    this.#keepTimes(() => this.#lay());
  }

  get width() {
    return this.#width;
  }

  get isZoomed() {
    return this.#window[0] > 0 || this.#window[1] < 1;
  }

  get isFolding() {
    return this.folds.some((it) => !this.#open.has(it.from));
  }

  isFolded(wait) {
    return !this.#open.has(wait.from);
  }

  toggleFold(wait) {
    this.#keepTimes(() => {
      if (!this.#open.delete(wait.from)) this.#open.add(wait.from);
      this.#lay();
    });
  }

  toggleFolds() {
    this.#keepTimes(() => {
      this.#open = new Set(this.isFolding ? this.folds.map((it) => it.from) : []);
      this.#lay();
    });
  }

  toPercent(offset) {
    return this.fromShare(toShare(this.pieces, offset));
  }

  fromShare(share) {
    const [from, to] = this.#window;
    return ((share - from) / (to - from)) * 100;
  }

  toTime(percent) {
    const [from, to] = this.#window;
    return toOffset(this.pieces, from + (percent / 100) * (to - from));
  }

  zoomTo(fromPercent, toPercent) {
    const [from, to] = this.#window;
    const at = (percent) => from + (percent / 100) * (to - from);
    this.#look(at(Math.min(fromPercent, toPercent)), at(Math.max(fromPercent, toPercent)));
  }

  // Around a point, which stays where it is.
  zoomBy(factor, percent = 50) {
    this.zoomTo(percent - percent * factor, percent + (100 - percent) * factor);
  }

  pan(percent) {
    const [from, to] = this.#window;
    const by = Math.max(-from, Math.min(1 - to, (percent / 100) * (to - from)));
    this.#look(from + by, to + by);
  }

  reset() {
    this.#window = [0, 1];
  }

  #look(from, to) {
    const size = Math.min(1, to - from);
    const start = Math.max(0, Math.min(from, 1 - size));
    if (size >= NARROWEST) this.#window = [start, start + size];
  }

  #lay() {
    this.pieces = layAxis(this.length, this.waits, this.#open, FOLD_PIXELS / this.#width);
  }

  // Whatever changes the axis, a person goes on looking at the same stretch of time.
  #keepTimes(change) {
    const ends = this.isZoomed ? [0, 100].map((it) => this.toTime(it)) : null;
    change();
    if (ends) this.#look(...ends.map((it) => toShare(this.pieces, it)));
  }
}

export { Scale };
