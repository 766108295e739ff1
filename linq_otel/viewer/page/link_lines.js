// Links of the span that is pointed at or active, drawn from bar to bar; a click walks along one.

import { drawLine, get } from "./elements.js";

// It leaves a bar up- or downwards, so that it is not taken for one.
function curve([x1, y1], [x2, y2]) {
  const middle = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
}

class LinkLines {
  constructor(picture, onWalk) {
    this.picture = picture;
    this.onWalk = onWalk;
    this.canvas = get("link-lines");
  }

  show(spans) {
    const links = new Map();
    for (const span of spans) {
      for (const link of span.links.filter((it) => it.span)) {
        links.set([span.key, link.span.key].sort().join(), [span, link.span]);
      }
    }
    this.canvas.replaceChildren(
      ...[...links.values()].flatMap(([here, there]) => this.#draw(here, there)),
    );
  }

  #draw(here, there) {
    const ends = [here, there].map((it) => this.picture.locate(it));
    if (ends.includes(null) || ends[0][1] === ends[1][1]) return [];
    const d = curve(...ends);
    const [x, y] = ends[1];
    const hit = drawLine("path", { d, class: "hit", on: { click: () => this.onWalk(there) } });
    return [
      drawLine("path", { d, class: "link" }),
      drawLine("circle", { cx: x, cy: y, r: 3.5, class: "end" }),
      hit,
    ];
  }
}

export { LinkLines };
