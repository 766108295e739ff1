// JSON as it was written: an integer beyond what a Number holds becomes a BigInt and keeps its
// last digits, which in an id are the ones that matter.

const LONG_NUMBER = /[[:,]\s*-?\d{16}/;

function keepDigits(_key, value, context) {
  const isLong = typeof value === "number" && !Number.isSafeInteger(value);
  return isLong && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
}

function parseJson(text) {
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function writeJson(value) {
  return JSON.stringify(
    value,
    (_key, it) => (typeof it === "bigint" ? (JSON.rawJSON?.(String(it)) ?? String(it)) : it),
    2,
  );
}

export { parseJson, writeJson };
