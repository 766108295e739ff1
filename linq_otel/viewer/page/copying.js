// Ids are for pasting elsewhere, so each can be copied whole, however short it is shown.

import { build } from "./elements.js";
import { icon } from "./icons.js";
import { say } from "./notices.js";

const SHOWN_MS = 1200;

function copyOldWay(text) {
  const field = build("textarea", { class: "unseen", readonly: true });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyOldWay(text); // A browser may refuse the clipboard to a file.
  }
  say("Copied");
}

function copyButton(what, text) {
  const button = build(
    "button",
    { class: "copy", type: "button", "aria-label": `Copy ${what}` },
    icon("copy"),
  );
  button.addEventListener("click", async () => {
    await copyText(text);
    button.replaceChildren(icon("copied"));
    setTimeout(() => button.replaceChildren(icon("copy")), SHOWN_MS);
    button.focus();
  });
  return button;
}

export { copyButton, copyText };
