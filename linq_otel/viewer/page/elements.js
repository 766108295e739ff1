// Elements are built here, from text and never from markup: what spans say is anyone's.

import { SVG } from "./icons.js";

function build(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function drawLine(tag, attributes = {}) {
  return fill(document.createElementNS(SVG, tag), attributes, []);
}

// `on` holds listeners; false, null and undefined leave an attribute out.
function fill(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  for (const [type, listen] of Object.entries(on)) element.addEventListener(type, listen);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// The one way geometry is set: the policy of the page forbids style attributes.
function lay(element, left, width) {
  element.style.left = `${left}%`;
  if (width !== undefined) element.style.width = `${width}%`;
  return element;
}

function get(id) {
  return document.getElementById(id);
}

export { build, drawLine, get, lay };
