// The states as one group of radio buttons, each with how many messages are in it.

import { build, get } from "./elements.js";
import { icon } from "./icons.js";
import { STATES } from "./states.js";

class Filters {
  constructor(onChoice) {
    const choices = ["", ...STATES].map((state) => this.#build(state, onChoice));
    get("filters").append(...choices);
  }

  #build(state, onChoice) {
    const radio = build("input", {
      type: "radio",
      name: "state",
      value: state,
      id: `state-${state || "all"}`,
    });
    radio.addEventListener("change", () => onChoice(state));
    return build(
      "label",
      { class: state ? `choice state-${state}` : "choice" },
      radio,
      state ? icon(state) : null,
      build("span", {}, state || "all"),
      build("span", { class: "count", "data-state": state }),
    );
  }

  show(state, counts) {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    for (const count of get("filters").querySelectorAll(".count")) {
      const number = count.dataset.state ? (counts[count.dataset.state] ?? 0) : all;
      count.textContent = number.toLocaleString("en");
      count.closest(".choice").classList.toggle("none", !number);
    }
    get(`state-${state || "all"}`).checked = true;
  }
}

export { Filters };
