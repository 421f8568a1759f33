// Pictures of the same thing under one zoom, and in turns in one place: wheel and drag move them all alike. Figures are
// children of the stage, each with a ".view" that its picture fills.

const MOST = 12, TURN_MS = 700;

export class PairedViews {
  constructor(stage) {
    this.stage = stage; this.front = 0; this.zoom = 1; this.shift = [0, 0];
  }

  turn(front) {
    this.front = front;
    [...this.stage.children].forEach((figure, at) => figure.classList.toggle("front", at === front));
  }

  turning(yes) {
    clearInterval(this.timer);
    this.timer = yes ? setInterval(() => this.turn(1 - this.front), TURN_MS) : 0;
  }

  stop() { this.turning(false); }

  whole() { this.zoom = 1; this.shift = [0, 0]; this.place(); }

  place() {
    const [x, y] = this.shift;
    for (const image of this.stage.querySelectorAll("img")) image.style.transform = `translate(${x}%, ${y}%) scale(${this.zoom})`;
    this.stage.dataset.zoom = this.zoom.toFixed(2);
  }

  /** Zoom about a point given in shares of the picture's box. */
  zoomAt(fx, fy, factor) {
    const zoom = Math.max(1, Math.min(MOST, this.zoom * factor)), by = zoom / this.zoom;
    const px = (fx - 0.5) * 100, py = (fy - 0.5) * 100;
    this.shift = [px - (px - this.shift[0]) * by, py - (py - this.shift[1]) * by];
    this.zoom = zoom;
    this.within();
  }

  /** Place them so that no edge comes into the box. */
  within() {
    const most = (this.zoom - 1) * 50;
    this.shift = this.shift.map((value) => Math.max(-most, Math.min(most, value)));
    this.place();
  }

  listen() {
    const box = (event) => event.target.closest(".view")?.getBoundingClientRect();
    this.stage.addEventListener("wheel", (event) => {
      const at = box(event);
      if (!at) return;
      event.preventDefault();
      this.zoomAt((event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height, Math.exp(-event.deltaY * 0.002));
    }, { passive: false });
    this.stage.addEventListener("pointerdown", (event) => {
      const at = box(event);
      if (!at || event.button) return;
      this.grip = { x: event.clientX, y: event.clientY, shift: this.shift, at };
      this.stage.setPointerCapture(event.pointerId);
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!this.grip) return;
      const { x, y, shift, at } = this.grip;
      this.shift = [shift[0] + ((event.clientX - x) / at.width) * 100, shift[1] + ((event.clientY - y) / at.height) * 100];
      this.within();
    });
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, () => { this.grip = null; });
    this.stage.addEventListener("dblclick", () => this.whole());
  }
}
