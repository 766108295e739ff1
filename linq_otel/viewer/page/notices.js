// What is wrong is said in a line on top; what happened is spoken to those who do not see it.

import { build, get } from "./elements.js";

const complaints = new Map();

function showComplaints() {
  get("notice").replaceChildren(...complaints.values());
  get("notice").hidden = complaints.size === 0;
}

// `topic` is what it is about, "server" or "place": a new complaint replaces the old one.
function complain(topic, ...sentence) {
  complaints.set(topic, build("p", {}, ...sentence));
  showComplaints();
}

function settle(topic) {
  complaints.delete(topic);
  showComplaints();
}

function say(sentence) {
  get("spoken").textContent = sentence;
}

function complainOf(error) {
  if (error.isGone) {
    complain(
      "server",
      "The viewer does not answer: it was stopped, or this machine is very busy. Start it again with ",
      build("code", {}, "linq-otel view"),
      "; this page comes back by itself.",
    );
  } else {
    complain("server", error.message);
  }
}

export { complain, complainOf, say, settle };
