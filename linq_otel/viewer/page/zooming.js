// The picture under a hand: drag over a stretch to look closer, turn the wheel with Ctrl held.

import { get } from "./elements.js";

const LEAST_PIXELS = 6;

class Zooming {
  #from = null;
  #dragged = false;

  // `findStrip` gives the rectangle of the time axis on the screen.
  constructor(scale, findStrip, onZoom) {
    this.findScale = scale;
    this.findStrip = findStrip;
    this.onZoom = onZoom;
    const picture = get("picture");
    picture.addEventListener("pointerdown", (event) => this.#start(event));
    picture.addEventListener("pointermove", (event) => this.#move(event));
    picture.addEventListener("pointerup", (event) => this.#end(event));
    picture.addEventListener("pointercancel", () => this.#drop());
    picture.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
    // A drag is no click on the row it ends on.
    picture.addEventListener("click", (event) => this.#dragged && event.stopPropagation(), true);
  }

  #percent(event) {
    const { left, width } = this.findStrip();
    return ((event.clientX - left) / width) * 100;
  }

  #start(event) {
    this.#dragged = false;
    const percent = this.#percent(event);
    const isHere = event.target.closest(".bar, .canvas, .rule") && !event.target.closest("button");
    if (event.button === 0 && isHere && percent >= 0 && percent <= 100)
      this.#from = { percent, x: event.clientX };
  }

  #move(event) {
    if (!this.#from) return;
    if (Math.abs(event.clientX - this.#from.x) < LEAST_PIXELS && !this.#dragged) return;
    if (!this.#dragged) get("picture").setPointerCapture(event.pointerId);
    this.#dragged = true;
    const [from, to] = [this.#from.percent, this.#percent(event)].sort((a, b) => a - b);
    const { left, width } = this.findStrip();
    const sheet = get("selection").parentElement.getBoundingClientRect();
    const style = get("selection").style;
    style.left = `${left - sheet.left + (Math.max(from, 0) / 100) * width}px`;
    style.width = `${((Math.min(to, 100) - Math.max(from, 0)) / 100) * width}px`;
    get("selection").hidden = false;
  }

  #end(event) {
    const { percent } = this.#from ?? {};
    if (this.#from && this.#dragged) {
      this.findScale().zoomTo(
        Math.max(0, percent),
        Math.max(0, Math.min(100, this.#percent(event))),
      );
      this.onZoom();
    }
    this.#drop();
  }

  #drop() {
    this.#from = null;
    get("selection").hidden = true;
  }

  #turn(event) {
    const scale = this.findScale();
    if (event.ctrlKey) scale.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, this.#percent(event));
    else if (event.shiftKey) scale.pan(event.deltaY > 0 ? 10 : -10);
    else return;
    event.preventDefault();
    this.onZoom();
  }
}

export { Zooming };
