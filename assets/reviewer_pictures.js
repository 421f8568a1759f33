// Two pictures under one zoom: side by side, in turns or as their difference; and those that come next, fetched early.
import { element } from "./explorer_limits.js";
import { PairedViews } from "./paired_views.js";

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

export class Pictures extends PairedViews {
  constructor(words, shelf) {
    super(element("div", { class: "pictures", tabindex: 0, role: "group", "aria-label": words.pictures }));
    this.words = words; this.shelf = shelf; this.mode = "side";
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

  /** One press of space: the other picture in the same place. */
  flip() {
    if (this.alone) return;
    if (this.mode !== "flicker") { this.choose("flicker", false); this.turning(false); this.turn(1); return; }
    this.turning(false);
    this.turn(1 - this.front);
  }
}
