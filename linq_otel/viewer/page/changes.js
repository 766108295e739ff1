// Word of new spans, and how things stand with it: live, paused by the person, or disconnected.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;

class Changes {
  #stream = null;
  #wait = FIRST_WAIT_MS;
  #timer = null;
  #state = "connecting";

  constructor(onChange, onState) {
    this.onChange = onChange;
    this.onState = onState;
  }

  start() {
    this.#connect();
    // A browser lends a server six connections for all its tabs; a hidden one gives its own back.
    document.addEventListener("visibilitychange", () => {
      if (this.#state === "paused") return;
      if (document.hidden) this.#hangUp();
      else this.#connect();
    });
  }

  toggle() {
    if (this.#state === "paused") {
      this.#become("connecting");
      this.#connect();
    } else {
      this.#hangUp();
      this.#become("paused");
    }
  }

  #connect() {
    this.#hangUp();
    this.#stream = new EventSource("/api/changes");
    this.#stream.addEventListener("open", () => this.#opened());
    this.#stream.addEventListener("changed", () => this.onChange());
    this.#stream.addEventListener("error", () => this.#lost());
  }

  #opened() {
    this.#wait = FIRST_WAIT_MS;
    const wasAway = this.#state !== "live";
    this.#become("live");
    if (wasAway) this.onChange();
  }

  #lost() {
    this.#hangUp();
    this.#become("disconnected");
    this.#timer = setTimeout(() => this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #hangUp() {
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
  }

  #become(state) {
    this.#state = state;
    this.onState(state);
  }
}

// Run `work` once at a time; calls that come meanwhile become one more run.
function inTurn(work) {
  let running = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await work();
    }
    running = false;
  };
}

export { Changes, inTurn };
