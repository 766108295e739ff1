// How the picture is looked at: waits folded or not, all of the time or a part of it.

import { say } from "./notices.js";
import { markFolding } from "./story_head.js";

const PAN_PERCENT = 15;

class Looking {
  // Each action has a key, and a button on top of the page.
  constructor(picture) {
    this.picture = picture;
    this.actions = [
      {
        name: "fold",
        keys: ["f"],
        words: "fold long waits, or show the true scale",
        run: () => this.#fold(),
      },
      {
        name: "farther",
        keys: ["-"],
        words: "zoom out",
        run: () => this.#change((it) => it.zoomBy(2)),
      },
      {
        name: "closer",
        keys: ["+", "="],
        words: "zoom in; or drag over a stretch, or Ctrl and wheel",
        run: () => this.#change((it) => it.zoomBy(0.5)),
      },
      {
        name: "whole",
        keys: ["0"],
        words: "show all of the time",
        run: () => this.#change((it) => it.reset()),
      },
    ];
    picture.onRedraw = () => markFolding(picture.scale);
  }

  pan(direction) {
    this.#change((it) => it.pan(direction * PAN_PERCENT));
  }

  #change(change) {
    change(this.picture.scale);
    this.picture.redraw();
  }

  #fold() {
    this.#change((it) => it.toggleFolds());
    say(this.picture.scale.isFolding ? "Waits folded" : "True scale");
  }
}

export { Looking };
