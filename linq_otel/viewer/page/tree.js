// The rows of the picture: each trace, its spans below it, less what is closed.

function listEntries(story) {
  const entries = story.traces.flatMap((trace) => [
    { key: trace.otelTraceId, trace, span: null, level: 1 },
    ...trace.spans.map((span) => ({ key: span.key, trace, span, level: span.depth + 2 })),
  ]);
  entries.forEach((entry, at) => {
    entry.hasChildren = (entries[at + 1]?.level ?? 0) > entry.level;
  });
  return entries;
}

class Tree {
  #closed = new Set();

  constructor(story) {
    this.tell(story);
  }

  // A story that went on keeps what the person closed.
  tell(story) {
    this.entries = listEntries(story);
    this.#arrange();
  }

  isOpen(entry) {
    return !this.#closed.has(entry.key);
  }

  setOpen(entry, isOpen) {
    if (isOpen) this.#closed.delete(entry.key);
    else this.#closed.add(entry.key);
    this.#arrange();
  }

  // Open whatever hides this span.
  uncover(key) {
    const at = this.entries.findIndex((it) => it.key === key);
    let level = this.entries[at]?.level ?? 0;
    for (let above = at - 1; above >= 0 && level > 1; above--) {
      if (this.entries[above].level < level) {
        level = this.entries[above].level;
        this.#closed.delete(this.entries[above].key);
      }
    }
    this.#arrange();
  }

  indexOf(key) {
    return this.#indexes.get(key) ?? -1;
  }

  indexOfParent(at) {
    let above = at - 1;
    while (above >= 0 && this.shown[above].level >= this.shown[at].level) above--;
    return above;
  }

  // The row a span is seen in: its own, or that of the closed one above it.
  #indexes = new Map();

  #arrange() {
    this.shown = [];
    this.#indexes = new Map();
    let hiddenBelow = Infinity;
    for (const entry of this.entries) {
      if (entry.level <= hiddenBelow) {
        this.shown.push(entry);
        hiddenBelow = entry.hasChildren && !this.isOpen(entry) ? entry.level : Infinity;
      }
      this.#indexes.set(entry.key, this.shown.length - 1);
    }
  }
}

export { Tree };
