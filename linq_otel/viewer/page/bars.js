// A span on the axis: a bar for its time, dotted where a wait is folded; a diamond for a moment.

import { build, lay } from "./elements.js";
import { countOf, showName } from "./texts.js";
import { spellDuration } from "./times.js";

const ROOM_PERCENT = 84; // From here on a label stands left of its bar.

function drawBar(span, scale) {
  const [left, right] = [scale.toPercent(span.from), scale.toPercent(span.to)];
  const parts = span.isInstant ? [drawMoment(left)] : drawSegments(span, scale);
  return [...parts, drawLabel(span, left, right)].filter(Boolean);
}

function drawMoment(left) {
  return left < 0 || left > 100 ? null : lay(build("i", { class: "moment" }), left);
}

function drawSegments(span, scale) {
  return scale.pieces
    .filter((it) => it.to > span.from && it.from < span.to)
    .map((piece) => drawSegment(span, piece, scale));
}

function drawSegment(span, piece, scale) {
  const left = Math.max(0, scale.toPercent(Math.max(span.from, piece.from)));
  const right = Math.min(100, scale.toPercent(Math.min(span.to, piece.to)));
  if (right < 0 || left > 100 || right < left) return null;
  return lay(
    build("i", { class: piece.folded ? "segment folded" : "segment" }),
    left,
    right - left,
  );
}

function drawLabel(span, left, right) {
  if (right < 0 || left > 100) return null;
  const text = span.isInstant ? "" : spellDuration(span.to - span.from);
  if (right <= ROOM_PERCENT) return lay(build("span", { class: "length after" }, text), right);
  if (left >= 100 - ROOM_PERCENT) return lay(build("span", { class: "length before" }, text), left);
  return lay(build("span", { class: "length inside" }, text), Math.max(left, 0));
}

function describeBar(span) {
  const words = [
    span.isInstant ? "a moment" : spellDuration(span.to - span.from),
    `at ${spellDuration(span.from)}`,
    span.isFailed ? "failed" : "",
    span.isLate ? "late" : "",
    span.links.length ? countOf(span.links.length, "link") : "",
  ];
  return `${showName(span.raw.service_name)}, ${words.filter(Boolean).join(", ")}`;
}

export { describeBar, drawBar };
