// Signs drawn as lines, so that they look the same in every font. Each stands beside a word.

const SVG = "http://www.w3.org/2000/svg";
const SIGNS = {
  accepted: "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9",
  sent: "M4 12 12 4M6 4h6v6",
  delivered: "M3 8.5 6.5 12 13 4.5",
  read: "M1 8.5 4.5 12 11 4.5M7.5 11.4l.7.6L15 4.5",
  failed: "M4 4l8 8M12 4l-8 8",
  stuck: "M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 5 5 6 5 11M10.5 2.5c0 5-5 6-5 11",
  received: "M12 4 4 12M4 6v6h6",
  late: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2.2 1.4",
  link: "M6.5 9.5l3-3M7 4.8l1.2-1.2a3 3 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.2 1.2a3 3 0 0 1-4.2-4.2L4.8 7",
  copy: "M6 6h7v7H6zM3.5 10H3V3h7v.5",
  copied: "M3 8.5 6.5 12 13 4.5",
  light:
    "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  dark: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M9.5 3.5 5 8l4.5 4.5",
  open: "M5.5 3.5 10 8l-4.5 4.5",
  download: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  fold: "M2 8h2M12 8h2M6 5 4.5 8 6 11M10 5l1.5 3-1.5 3",
  closer: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.5 3.5M7 5.2v3.6M5.2 7h3.6",
  farther: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.5 3.5M5.2 7h3.6",
  whole: "M2.5 4v8M13.5 4v8M4.5 8h7M6 6.2 4.2 8 6 9.8M10 6.2 11.8 8 10 9.8",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SIGNS[name]);
  svg.append(path);
  return svg;
}

export { SVG, icon };
