// Light or dark as the system is, until the person says otherwise; that is remembered.

import { get } from "./elements.js";
import { icon } from "./icons.js";
import { say } from "./notices.js";

const THEME_KEY = "linq-otel-theme";
const PREFERS_DARK = matchMedia("(prefers-color-scheme: dark)");

function recallTheme() {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null; // A locked-down browser keeps nothing.
  }
}

function rememberTheme(theme) {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // As above.
  }
}

function currentTheme() {
  return document.documentElement.dataset.theme ?? (PREFERS_DARK.matches ? "dark" : "light");
}

function otherTheme() {
  return currentTheme() === "dark" ? "light" : "dark";
}

function labelTheme() {
  get("theme").replaceChildren(icon(otherTheme()));
  get("theme").setAttribute("aria-label", `Switch to ${otherTheme()} colours`);
}

function toggleTheme() {
  document.documentElement.dataset.theme = otherTheme();
  rememberTheme(currentTheme());
  labelTheme();
  say(`${currentTheme()} colours`);
}

function startTheme() {
  const theme = recallTheme();
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  labelTheme();
  get("theme").addEventListener("click", toggleTheme);
  PREFERS_DARK.addEventListener("change", labelTheme);
}

export { startTheme, toggleTheme };
