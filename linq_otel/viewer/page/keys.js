// Everything can be done by keys. One table per page says which, and is shown on `?`.

import { build, get } from "./elements.js";
import { icon } from "./icons.js";

const SHOWN_KEYS = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

class Keys {
  // A binding is {keys: [...], words, run(event)}; a run that answers false lets the key pass.
  constructor(findBindings) {
    this.findBindings = findBindings;
    document.addEventListener("keydown", (event) => this.#press(event));
    get("help").addEventListener("click", () => this.explain());
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (get("keys").open) return;
    const isTyping = event.target.matches("input[type=search], textarea");
    if (isTyping && event.key !== "Escape" && event.key !== "ArrowDown") return;
    if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
    if (event.key.startsWith("Arrow") && event.target.matches("input[type=radio]")) return;
    const binding = this.findBindings().find((it) => it.keys.includes(event.key));
    if (binding && binding.run(event) !== false) event.preventDefault();
  }

  explain() {
    const close = build(
      "button",
      { class: "plain", type: "button", "aria-label": "Close" },
      icon("close"),
    );
    close.addEventListener("click", () => get("keys").close());
    const rows = this.findBindings()
      .filter((it) => it.words)
      .map(explainBinding);
    get("keys").replaceChildren(
      build("header", {}, build("h2", { id: "keys-title" }, "Keys"), close),
      build("dl", {}, ...rows.flat()),
    );
    get("keys").showModal();
  }
}

function explainBinding({ keys, words }) {
  const shown = keys.map((key) => build("kbd", {}, SHOWN_KEYS[key] ?? key));
  return [build("dt", {}, ...shown), build("dd", {}, words)];
}

export { Keys };
