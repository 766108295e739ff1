// Starts the page and leads from place to place.

import { Changes } from "./changes.js";
import { build, get } from "./elements.js";
import { findEmbedded } from "./embedded.js";
import { Keys } from "./keys.js";
import { ListPage } from "./list_page.js";
import { complain, complainOf, say, settle } from "./notices.js";
import { readPlace, writeTrace } from "./places.js";
import { Server } from "./server.js";
import { showName } from "./texts.js";
import { startTheme, toggleTheme } from "./theme.js";
import { TracePage } from "./trace_page.js";

const TYPING_MS = 180;
const LIVE_WORDS = {
  connecting: ["connecting", "Connecting to the viewer"],
  live: ["live", "Live: new spans appear by themselves. Pause"],
  paused: ["paused", "Paused: new spans are not shown. Go on"],
  disconnected: ["disconnected", "Disconnected: the viewer does not answer. Pause"],
  saved: ["saved file", "A saved file: nothing changes here"],
};

startTheme();
const source = findEmbedded() ?? new Server();
const listPage = new ListPage(source);
const tracePage = new TracePage(source, () => listPage.hash);
let shownPage = listPage;

function showPlace() {
  const place = readPlace(location.hash);
  shownPage = place.page === "trace" ? tracePage : listPage;
  get("list-page").hidden = shownPage !== listPage;
  get("trace-page").hidden = shownPage !== tracePage;
  if (place.page === "list" && document.activeElement !== get("search-field"))
    get("search-field").value = place.query;
  settle("place");
  if (shownPage !== tracePage) tracePage.hide();
  shownPage.show(place);
}

function showState(state) {
  const [word, words] = LIVE_WORDS[state];
  const pill = get("live");
  pill.className = `live is-${state}`;
  pill.replaceChildren(build("i", { class: "pulse" }), build("span", {}, word));
  pill.setAttribute("aria-label", words);
  pill.title = words;
  if (state === "disconnected") complainOf({ isGone: true });
  if (state === "live") settle("server");
  if (state !== "connecting") say(word);
}

function startLive() {
  if (!source.isLive) {
    showState("saved");
    get("live").disabled = true;
    return { toggle() {} };
  }
  showState("connecting");
  const changes = new Changes(() => shownPage.refresh(), showState);
  get("live").addEventListener("click", () => changes.toggle());
  changes.start();
  return changes;
}

// A shortened id is pasted with the dots that stand for the rest.
function readQuery() {
  return get("search-field").value.trim().replace(/…$/, "");
}

function startSearch() {
  let timer = null;
  const field = get("search-field");
  field.addEventListener("input", () => {
    clearTimeout(timer);
    settle("place");
    if (shownPage === listPage)
      timer = setTimeout(() => listPage.search(readQuery()), TYPING_MS);
  });
  get("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    jumpTo(readQuery());
  });
}

async function jumpTo(id) {
  if (!id) return;
  try {
    const found = await source.findPlace(id);
    if (found?.several) complain("place", `${showName(found.several)}.`);
    else if (found) {
      get("search-field").blur();
      location.hash = writeTrace(found.otel_trace_id, found.span_id, found.message_id);
    } else {
      complain("place", `Nothing here has the id ${showName(id)}.`);
      if (shownPage === listPage) listPage.search(id);
    }
  } catch (error) {
    complainOf(error);
  }
}

function leaveSearch() {
  if (document.activeElement !== get("search-field")) return false;
  get(shownPage === listPage ? "messages" : "picture").focus();
  return true;
}

function listKeys(live) {
  const search = { keys: ["/"], words: "search", run: () => get("search-field").select() };
  const leave = { keys: ["Escape", "ArrowDown"], run: leaveSearch };
  const help = { keys: ["?"], words: "these keys", run: () => keys.explain() };
  const theme = { keys: ["t"], words: "light or dark", run: toggleTheme };
  const pause = { keys: ["p"], words: "pause, or go on", run: () => live.toggle() };
  return document.activeElement === get("search-field")
    ? [leave]
    : [...shownPage.listKeys(), search, pause, theme, help];
}

window.addEventListener("hashchange", showPlace);
const live = startLive();
const keys = new Keys(() => listKeys(live));
startSearch();
showPlace();
