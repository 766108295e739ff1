// Times come as decimal strings of nanoseconds, more than a Number holds, and stay BigInt until
// they are a distance on the picture.

const NS_PER_SECOND = 1_000_000_000n;
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];
const MOMENT = { dateStyle: "short", timeStyle: "medium" }; // "2026-11-22 05:30:52" in Swedish.
const LOCAL_MOMENT = new Intl.DateTimeFormat("sv-SE", MOMENT);
const UTC_MOMENT = new Intl.DateTimeFormat("sv-SE", { ...MOMENT, timeZone: "UTC" });
const LAST_DATE_MS = 8.64e15;
const DATED_SECONDS = 60 * 86_400; // Older than that is told by its date.
const LENGTH_OF_TIME = " 00:00:00".length;

function readNs(text, fallback = 0n) {
  return /^-?\d{1,20}$/.test(String(text)) ? BigInt(text) : fallback;
}

function toMs(ns) {
  return Math.min(Math.max(Number(ns) / 1e6, -LAST_DATE_MS), LAST_DATE_MS);
}

function spellPartOfSecond(ns) {
  for (const [unit, size] of [
    ["ms", 1e6],
    ["µs", 1e3],
  ]) {
    if (ns >= size) {
      return ns < 10 * size
        ? `${(ns / size).toFixed(1)} ${unit}`
        : `${Math.floor(ns / size)} ${unit}`;
    }
  }
  return ns ? `${Math.round(ns)} ns` : "0";
}

// As a person would: "1.2 ms", "4.0 s", "3 h 02 m".
function spellDuration(length) {
  const ns = Number(length);
  if (ns < 0) return `-${spellDuration(-ns)}`;
  if (ns < 1e9) return spellPartOfSecond(ns);
  if (ns < 59.95e9) return `${(ns / 1e9).toFixed(1)} s`;
  const seconds = Math.round(ns / 1e9);
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  const [[unit, size], [lower, lowerSize]] = [UNITS[at], UNITS[at + 1]];
  const rest = Math.floor((seconds % size) / lowerSize);
  return `${Math.floor(seconds / size)} ${unit} ${String(rest).padStart(2, "0")} ${lower}`;
}

function spellFraction(ns) {
  const rest = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return String(rest).padStart(9, "0");
}

function spellUtc(ns) {
  return `${UTC_MOMENT.format(toMs(ns))}.${spellFraction(ns)}`;
}

function spellLocal(ns) {
  return `${LOCAL_MOMENT.format(toMs(ns))}.${spellFraction(ns)}`;
}

function spellSecond(ns) {
  return LOCAL_MOMENT.format(toMs(ns));
}

function spellZone(ns) {
  const minutes = -new Date(toMs(ns)).getTimezoneOffset() || 0;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const digits = `${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  return `UTC${minutes < 0 ? "−" : "+"}${digits}`;
}

function spellAge(ns, nowMs) {
  const seconds = Math.round((nowMs - toMs(ns)) / 1e3);
  if (Math.abs(seconds) < 5) return "now";
  if (Math.abs(seconds) > DATED_SECONDS) return spellSecond(ns).slice(0, -LENGTH_OF_TIME);
  const words = spellCoarse(Math.abs(seconds));
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function spellCoarse(seconds) {
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
  ]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

export { readNs, spellAge, spellDuration, spellLocal, spellSecond, spellUtc, spellZone, toMs };
