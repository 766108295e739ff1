// What becomes of a message, in the order a person looks for trouble.

import { build } from "./elements.js";
import { icon } from "./icons.js";
import { showName } from "./texts.js";

const STATES = ["stuck", "failed", "accepted", "sent", "delivered", "read", "received"];

function isState(word) {
  return STATES.includes(word);
}

// A colour is never alone: each state has a sign and its word.
function badge(state) {
  const known = isState(state) ? state : "accepted";
  return build("span", { class: `badge state-${known}` }, icon(known), showName(state));
}

export { STATES, badge, isState };
