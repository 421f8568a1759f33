// Two pictures under one zoom: side by side, in turns or as their difference; and those that come next, fetched early.
import { element } from "./explorer_limits.js";

const AT_ONCE = 4, MOST = 80;

/** Pictures fetched before they are shown. The browser shows a picture at once while one with its address is held. */
export class Shelf {
  constructor() { this.held = new Map(); this.queue = []; this.loading = 0; }

  /** Fetch these, in this order, after which nothing else is waited for. */
  want(urls) {
    this.queue = urls.filter((url) => !this.held.has(url));
    this.pump();
  }

  /** Hold this one, fetched now. */
  hold(url, image) {
    this.held.delete(url);
    this.held.set(url, image);
    for (const old of this.held.keys()) { if (this.held.size <= MOST) break; this.held.delete(old); }
  }

  pump() {
    while (this.loading < AT_ONCE && this.queue.length) {
      const url = this.queue.shift(), image = new Image();
      this.loading += 1;
      const ended = (good) => { this.loading -= 1; if (!good) this.held.delete(url); this.pump(); };
      image.onload = () => ended(true);
      image.onerror = () => ended(false);
      image.src = url;
      this.hold(url, image);
    }
  }
}

export class Pictures {
  constructor(words, shelf) {
    this.words = words; this.shelf = shelf; this.mode = "side"; this.front = 0; this.zoom = 1; this.shift = [0, 0];
    this.stage = element("div", { class: "pictures", tabindex: 0, role: "group", "aria-label": words.pictures });
    this.modes = element("div", { class: "segments", role: "group", "aria-label": words.views });
    for (const mode of ["side", "flicker", "difference"]) {
      this.modes.append(element("button", { type: "button", text: words[mode], "data-mode": mode, onclick: () => this.choose(mode) }));
    }
    const zoom = (text, label, act) => element("button", { type: "button", class: "ghost small", text, title: label, "aria-label": label, onclick: act });
    this.tools = element("div", { class: "tools" }, this.modes,
      element("span", { class: "zooms", role: "group", "aria-label": words.zoom },
        zoom("−", words.zoom_out, () => this.zoomAt(0.5, 0.5, 1 / 1.4)), zoom("+", words.zoom_in, () => this.zoomAt(0.5, 0.5, 1.4)),
        zoom("⤢", words.zoom_reset, () => this.whole())));
    this.choose("side");
    this.listen();
  }

  /** Show a removed frame and the one beside it; each {thumbnail, original, alt, caption: [nodes]} or a sentence. */
  show(first, second) {
    const key = JSON.stringify([first.original, second.original ?? second]);
    if (key !== this.key) {
      this.key = key;
      this.turning(false);
      this.zoom = 1; this.shift = [0, 0];
      this.views = [first, second].map((one) => (one.original ? this.view(one) : element("div", { class: "view none" }, element("p", { text: one }))));
      this.captions = this.views.map(() => element("figcaption"));
      this.stage.replaceChildren(...this.views.map((view, at) => element("figure", {}, view, this.captions[at])));
      this.alone = !second.original;
      this.choose(this.chosen, false);
    }
    [first, second].forEach((one, at) => this.captions[at].replaceChildren(...(one.caption ?? [])));
  }

  view(picture) {
    const view = element("div", { class: "view" });
    const put = (name, url, failed) => {
      const image = element("img", { class: name, alt: name === "full" ? picture.alt : "", draggable: "false", decoding: "sync" });
      image.onload = () => { view.dataset[name] = "there"; };
      image.onerror = () => { view.dataset[name] = "gone"; failed(); };
      image.src = url;
      this.shelf.hold(url, image);
      if (image.complete && image.naturalWidth) view.dataset[name] = "there";
      view.append(image);
    };
    const note = element("p", { class: "note", hidden: true });
    put("small", picture.thumbnail, () => { if (view.dataset.full === "gone") note.textContent = this.words.no_picture; });
    put("full", picture.original, () => {
      note.textContent = view.dataset.small === "gone" ? this.words.no_picture : this.words.small_only;
      note.hidden = false;
    });
    view.append(note);
    return view;
  }

  /** Whether the reviewer has the removed frame before his eyes, or can be told that there is no picture. */
  get seen() {
    const view = this.views?.[0]?.dataset;
    return Boolean(view) && (view.full === "there" || view.small === "there" || (view.full === "gone" && view.small === "gone"));
  }

  choose(mode, remember = true) {
    if (remember) this.chosen = mode;
    this.mode = this.alone ? "side" : mode;
    this.stage.dataset.mode = this.mode;
    this.stage.classList.toggle("alone", Boolean(this.alone));
    this.modes.hidden = Boolean(this.alone);
    for (const button of this.modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    this.turn(0);
    this.turning(this.mode === "flicker" && !matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.place();
  }

  turning(yes) {
    clearInterval(this.timer);
    if (yes) this.timer = setInterval(() => this.turn(1 - this.front), 700);
  }

  turn(front) {
    this.front = front;
    [...this.stage.children].forEach((figure, at) => figure.classList.toggle("front", at === front));
  }

  /** One press of space: the other picture in the same place. */
  flip() {
    if (this.alone) return;
    if (this.mode !== "flicker") { this.choose("flicker", false); this.turning(false); this.turn(1); return; }
    this.turning(false);
    this.turn(1 - this.front);
  }

  whole() { this.zoom = 1; this.shift = [0, 0]; this.place(); }

  place() {
    const [x, y] = this.shift;
    for (const image of this.stage.querySelectorAll("img")) image.style.transform = `translate(${x}%, ${y}%) scale(${this.zoom})`;
    this.stage.dataset.zoom = this.zoom.toFixed(2);
  }

  /** Zoom about a point given in shares of the picture's box; both pictures move alike. */
  zoomAt(fx, fy, factor) {
    const zoom = Math.max(1, Math.min(12, this.zoom * factor)), by = zoom / this.zoom;
    const px = (fx - 0.5) * 100, py = (fy - 0.5) * 100;
    this.shift = [px - (px - this.shift[0]) * by, py - (py - this.shift[1]) * by];
    this.zoom = zoom;
    this.within();
  }

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

  stop() { this.turning(false); }
}
