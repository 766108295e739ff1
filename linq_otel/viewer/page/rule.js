// The scale above the rows: ticks, and a button over every long wait that folds and unfolds it.

import { build, get, lay } from "./elements.js";
import { spellDuration } from "./times.js";

const TICK_PIXELS = 90;
const MOST_TICKS = 40;
const LETTER_PIXELS = 7;
const SMALL_FOLD_PIXELS = 70;

function roundUp(ns) {
  const power = 10 ** Math.floor(Math.log10(Math.max(ns, 1)));
  return power * ([1, 2, 5].find((it) => it * power >= ns) ?? 10);
}

function listTicks(scale) {
  const ticks = [];
  for (const piece of scale.pieces.filter((it) => !it.folded)) {
    const [left, right] = [piece.from, piece.to].map((it) => scale.toPercent(it));
    const nsPerPixel = (piece.to - piece.from) / (((right - left) / 100) * scale.width || 1);
    const step = roundUp(nsPerPixel * TICK_PIXELS);
    const first = Math.max(0, Math.floor((scale.toTime(0) - piece.from) / step));
    for (let at = first; at < first + MOST_TICKS && piece.from + at * step < piece.to; at++) {
      ticks.push({
        at: scale.toPercent(piece.from + at * step),
        text: labelTick(piece, at * step),
        end: right,
      });
    }
  }
  return ticks.filter((it) => it.at >= 0 && it.at <= 99);
}

// Behind a fold the time since the start is said once, then what is added to it.
function labelTick(piece, since) {
  if (!since) return spellDuration(piece.from);
  return piece.from ? `+${spellDuration(since)}` : spellDuration(since);
}

function thin(ticks, width) {
  const shown = [];
  let free = -Infinity;
  for (const tick of ticks.sort((a, b) => a.at - b.at)) {
    const pixel = (tick.at / 100) * width;
    const end = pixel + tick.text.length * LETTER_PIXELS + LETTER_PIXELS;
    // A label is left out where it would run into another one or under a fold.
    if (pixel < free || end > (Math.min(tick.end, 100) / 100) * width + LETTER_PIXELS) continue;
    free = end + LETTER_PIXELS;
    shown.push(tick);
  }
  return shown;
}

function drawRule(scale, onFold) {
  const folds = scale.folds.map((wait) => drawFold(wait, scale, onFold)).filter(Boolean);
  const ticks = thin(listTicks(scale), scale.width);
  get("rule").replaceChildren(
    ...ticks.map((it) => lay(build("span", { class: "tick" }, it.text), it.at)),
    ...folds,
  );
  const bands = scale.pieces.filter((it) => it.folded).map((it) => drawBand(it, scale));
  const lines = ticks.map((it) => lay(build("i", { class: "line" }), it.at));
  get("bands").replaceChildren(...lines, ...bands.filter(Boolean));
}

function findPlaceOf(piece, scale) {
  const left = Math.max(0, scale.fromShare(piece.left));
  const right = Math.min(100, scale.fromShare(piece.left + piece.width));
  return right > left ? [left, right - left] : null;
}

function drawBand(piece, scale) {
  const place = findPlaceOf(piece, scale);
  return place && lay(build("i", { class: "band" }), ...place);
}

function drawFold(wait, scale, onFold) {
  const isFolded = scale.isFolded(wait);
  const piece = scale.pieces.find((it) => it.folded === wait);
  const place = piece ? findPlaceOf(piece, scale) : findSpanOf(wait, scale);
  if (!place) return null;
  const length = spellDuration(wait.to - wait.from);
  const label = isFolded
    ? `A wait of ${length} is folded: unfold it`
    : `Fold the wait of ${length}`;
  const button = build(
    "button",
    {
      class: isFolded ? "fold" : "fold open",
      type: "button",
      "aria-label": label,
      title: label,
      "aria-expanded": String(!isFolded),
    },
    build("span", {}, markFold(length, isFolded, (place[1] / 100) * scale.width)),
  );
  button.addEventListener("click", () => onFold(wait));
  return lay(button, ...place);
}

function markFold(length, isFolded, pixels) {
  if (pixels < SMALL_FOLD_PIXELS) return length;
  return isFolded ? `⋯ ${length} ⋯` : `↔ ${length}`;
}

function findSpanOf(wait, scale) {
  const left = Math.max(0, scale.toPercent(wait.from));
  const right = Math.min(100, scale.toPercent(wait.to));
  return right > left ? [left, right - left] : null;
}

export { drawRule };
