// The messages of one filter, fetched a page at a time as they come into sight.

const PAGE = 100;
const SETTLE_MS = 50;

// A story may tell of several messages.
function keyOfMessage(message) {
  return message && `${message.otel_trace_id} ${message.message_id}`;
}

class MessagePages {
  #pages = new Map();
  #underWay = new Set();
  #timer = null;
  #edition = 0;
  total = 0;
  counts = {};
  filter = { state: "", query: "" };

  constructor(source, onArrival, onError) {
    this.source = source;
    this.onArrival = onArrival;
    this.onError = onError;
  }

  find(at) {
    return this.#pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? null;
  }

  findIndex(key) {
    for (const [page, messages] of this.#pages) {
      const at = messages.findIndex((it) => keyOfMessage(it) === key);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  // All anew, starting with what is in sight; the old stays until the new is here.
  async reload(filter, [first, last]) {
    const edition = ++this.#edition;
    const firstPage = Math.floor(first / PAGE);
    const pages = [
      firstPage,
      ...(Math.floor(Math.max(last - 1, first) / PAGE) > firstPage ? [firstPage + 1] : []),
    ];
    const answers = await Promise.all(pages.map((page) => this.#fetch(filter, page)));
    if (edition !== this.#edition) return false;
    this.#pages = new Map(pages.map((page, at) => [page, answers[at].messages]));
    this.#underWay.clear();
    this.filter = filter;
    this.total = answers[0].total;
    this.counts = answers[0].counts;
    return true;
  }

  // Rows that fly past while a person scrolls are not fetched.
  want([first, last]) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (let page = Math.floor(first / PAGE); page * PAGE < last; page++) this.#wantPage(page);
    }, SETTLE_MS);
  }

  async #wantPage(page) {
    if (this.#pages.has(page) || this.#underWay.has(page)) return;
    const edition = this.#edition;
    this.#underWay.add(page);
    try {
      const { messages } = await this.#fetch(this.filter, page);
      if (edition !== this.#edition) return;
      this.#pages.set(page, messages);
      this.onArrival();
    } catch (error) {
      this.onError(error);
    } finally {
      this.#underWay.delete(page);
    }
  }

  #fetch(filter, page) {
    return this.source.findMessages({ ...filter, offset: page * PAGE, limit: PAGE });
  }
}

export { MessagePages, keyOfMessage };
