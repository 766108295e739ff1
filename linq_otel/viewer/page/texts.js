// Names and values are anyone's. A control, bidi or zero-width character would make one look like
// another, so each is written out; and nothing is drawn at a length that would stall the page.

const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONGEST_NAME = 200;
const SHORT_ID = 8;

function showUnseen(character) {
  return `⟨${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

function clip(text, most) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function showName(name) {
  return clip(String(name), LONGEST_NAME).replace(UNSEEN, showUnseen);
}

function showValue(text) {
  return text.replace(UNSEEN, (it) => (it === "\n" || it === "\t" ? it : showUnseen(it)));
}

function shortenId(id) {
  return showName(String(id).length > SHORT_ID + 4 ? `${String(id).slice(0, SHORT_ID)}…` : id);
}

function countOf(number, noun) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : `${noun}s`}`;
}

export { clip, countOf, shortenId, showName, showValue };
