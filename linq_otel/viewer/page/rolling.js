// Rows of one height in a long column: only those in sight exist, so ten thousand scroll as
// lightly as ten. Short columns are drawn whole, for those who search in the page or listen.

const DRAWN_WHOLE = 150;
const ROWS_BEYOND = 10;

function measureRow(canvas) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.round(parseFloat(getComputedStyle(canvas).getPropertyValue("--row")) * rem);
}

class Rolling {
  #rows = new Map();
  #count = 0;

  constructor(viewport, canvas, drawRow) {
    this.viewport = viewport;
    this.canvas = canvas;
    this.drawRow = drawRow;
    this.height = measureRow(canvas);
    viewport.addEventListener("scroll", () => this.#roll(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(viewport);
  }

  show(count) {
    this.#count = count;
    this.height = measureRow(this.canvas) || this.height;
    this.canvas.style.height = `${count * this.height}px`;
    this.redraw();
  }

  redraw() {
    this.#rows.clear();
    this.canvas.replaceChildren();
    this.#roll();
  }

  resize() {
    if (measureRow(this.canvas) === this.height) this.#roll();
    else this.show(this.#count);
  }

  // First and behind the last row in sight.
  findSight() {
    const top = this.viewport.scrollTop;
    const first = Math.floor(top / this.height);
    const last = Math.ceil((top + this.viewport.clientHeight) / this.height);
    return [Math.max(0, Math.min(first, this.#count)), Math.min(last, this.#count)];
  }

  findRow(at) {
    return this.#rows.get(at) ?? null;
  }

  reveal(at) {
    const head =
      this.canvas.getBoundingClientRect().top - this.viewport.getBoundingClientRect().top;
    const covered = head + this.viewport.scrollTop;
    const [top, room] = [at * this.height, this.viewport.clientHeight - covered];
    if (top < this.viewport.scrollTop) this.viewport.scrollTop = top;
    else if (top + this.height > this.viewport.scrollTop + room) {
      this.viewport.scrollTop = top + this.height - room;
    }
    this.#roll();
  }

  #roll() {
    if (!this.viewport.clientHeight) return;
    const [first, last] = this.#findDrawn();
    for (const [at, row] of this.#rows) {
      if (at < first || at >= last) {
        row.remove();
        this.#rows.delete(at);
      }
    }
    let after = null;
    for (let at = last - 1; at >= first; at--) after = this.#rows.get(at) ?? this.#place(at, after);
  }

  #findDrawn() {
    if (this.#count <= DRAWN_WHOLE) return [0, this.#count];
    const [first, last] = this.findSight();
    return [Math.max(0, first - ROWS_BEYOND), Math.min(this.#count, last + ROWS_BEYOND)];
  }

  #place(at, after) {
    const row = this.drawRow(at);
    row.style.transform = `translateY(${at * this.height}px)`;
    this.#rows.set(at, row);
    this.canvas.insertBefore(row, after);
    return row;
  }
}

export { Rolling };
