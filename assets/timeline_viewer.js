// The frames of one strip, stepped through: the frame looked at, the one that stands for it, and those around both.
import { element } from "./explorer_limits.js";
import { fetchPacked } from "./explorer_data.js";
import { clock, number } from "./explorer_text.js";
import { drawLens } from "./timeline_strip.js";

const AROUND = 5; // small pictures on either side
const LENS = 121; // bars
const REST_MS = 200;

export class Viewer {
  /** `on`: {moved(), key(event), decide(frame id), takeBack(frame id, number of the decision)}. */
  constructor(words, on) {
    Object.assign(this, { words, on, strip: -1, place: 0, chunks: new Map(), ends: new AbortController() });
    const button = (name, text, act, title) => {
      const one = element("button", { type: "button", text, class: name, title: title ?? text, "aria-label": title ?? text, onclick: act });
      return one;
    };
    this.title = element("div", { class: "where" });
    this.buttons = {
      previous_kept: button("ghost", "\u00AB", () => this.toKept(-1), words.previous_kept),
      previous: button("ghost", "\u2039", () => this.go(this.place - 1), words.previous),
      next: button("ghost", "\u203A", () => this.go(this.place + 1), words.next),
      next_kept: button("ghost", "\u00BB", () => this.toKept(1), words.next_kept),
      stretch: button("ghost stretch", words.to_stretch, () => this.toStretch()),
    };
    this.lens = element("canvas", { class: "lens", role: "img", "aria-label": words.lens });
    this.lens.addEventListener("click", (event) => this.go(this.lensFirst() + Math.floor(event.offsetX / this.lens.clientWidth * LENS)));
    this.sentence = element("p", { class: "sentence", "aria-live": "polite" });
    this.decide = element("button", { type: "button", class: "ghost", text: words.decide, title: words.decide_hint, hidden: true,
      onclick: () => on.decide(this.shown(this.place).id) });
    this.takeBack = element("button", { type: "button", class: "ghost", text: words.take_back, title: words.take_back_hint, hidden: true,
      onclick: () => { const { id, removal } = this.shown(this.place); on.takeBack(id, removal); } });
    this.pair = element("div", { class: "pair" });
    this.film = element("div", { class: "film", role: "group", "aria-label": words.film });
    this.root = element("section", { class: "viewer", tabindex: -1, hidden: true },
      element("div", { class: "bar" }, this.title, element("span", { class: "spring" }), element("span", { class: "soft hint", text: words.keys }), ...Object.values(this.buttons)),
      this.lens, element("div", { class: "stage" }, this.pair, element("div", { class: "told" }, this.sentence, this.decide, this.takeBack)), this.film);
    this.root.addEventListener("keydown", (event) => {
      if (!(event.target.tagName === "BUTTON" && [" ", "Enter"].includes(event.key))) on.key(event);
    });
  }

  take(data, look) {
    if (this.data && data.version !== this.data.version) this.strip = -1;
    this.data = data;
    this.look = look;
  }

  /** Open a strip at a position, at its longest stretch for null. Another strip opened meanwhile goes first. */
  async open(strip, about, position) {
    const again = this.strip === strip;
    this.about = about;
    if (!again) {
      this.chunks = new Map(); // answers on their way fall into the old one
      this.ends.abort();
      this.ends = new AbortController();
      const { signal } = this.ends;
      let frames;
      try {
        frames = await fetchPacked(this.data.strip.replace("{strip}", strip), signal);
      } catch (error) {
        if (error.name !== "AbortError") this.fail();
        return;
      }
      if (signal.aborted) return;
      Object.assign(this, { strip, frames, place: -1 });
    }
    this.root.hidden = false;
    this.root.dataset.strip = strip;
    this.buttons.stretch.hidden = !about.gap;
    if (position === null) this.toStretch();
    else this.go(this.nearest(position));
  }

  fail() {
    this.root.hidden = false;
    this.sentence.textContent = this.words.failed;
  }

  toStretch() { this.go(this.about.gap ? this.about.gap.first : 0); }

  toKept(step) {
    let at = this.place + step;
    while (at >= 0 && at < this.frames.kept.length && !this.frames.kept[at]) at += step;
    if (at >= 0 && at < this.frames.kept.length) this.go(at);
  }

  /** The place of the frame nearest to a position; the earlier of two. */
  nearest(position) {
    const { at } = this.frames;
    let low = 0, high = at.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < position) low = middle + 1; else high = middle;
    }
    return low > 0 && position - at[low - 1] <= at[low] - position ? low - 1 : low;
  }

  position() { return this.frames?.at[this.place] ?? null; }

  lensFirst() { return this.place - (LENS - 1) / 2; }

  go(place) {
    const last = this.frames.at.length - 1, to = Math.max(0, Math.min(last, place));
    if (to === this.place) return;
    this.place = to;
    this.root.dataset.place = to;
    const { words, buttons, about } = this;
    const at = about.timed ? `${clock(this.position())} · ` : "";
    this.title.replaceChildren(element("b", { text: about.name }),
      element("span", { text: `${at}${words.frame_of.replace("{n}", number(to + 1)).replace("{all}", number(last + 1))}` }));
    buttons.previous.disabled = to === 0;
    buttons.next.disabled = to === last;
    buttons.previous_kept.disabled = !this.frames.kept.subarray(0, to).includes(1);
    buttons.next_kept.disabled = !this.frames.kept.subarray(to + 1).includes(1);
    if (this.root.getRootNode().activeElement?.disabled) this.root.focus({ preventScroll: true });
    this.redraw();
    this.on.moved();
    this.show();
  }

  redraw() {
    if (this.strip < 0 || this.root.hidden || !this.lens.clientWidth) return;
    drawLens(this.lens, this.frames, this.place, this.lensFirst(), LENS, this.look);
  }

  /** Fetch what is said of the frames around this place, then draw them; what has moved on meanwhile is left alone. */
  async show() {
    const { place, strip } = this, { chunk } = this.data, last = this.frames.at.length - 1;
    const from = Math.max(0, place - AROUND), to = Math.min(last, place + AROUND);
    const wanted = new Set([from, place, to].map((at) => Math.floor(at / chunk)));
    try {
      await Promise.all([...wanted].map((one) => this.told(one)));
    } catch (error) {
      if (error.name !== "AbortError") this.fail();
      return;
    }
    if (place !== this.place || strip !== this.strip) return;
    this.shown = (at) => this.chunks.get(Math.floor(at / chunk)).told[at % chunk];
    this.drawPair(this.shown(place));
    this.drawFilm(from, to);
    this.root.dataset.shown = place;
    for (const one of [Math.floor(to / chunk) + 1, Math.floor(from / chunk) - 1]) {
      if (one >= 0 && one * chunk <= last) this.told(one).catch(() => {});
    }
  }

  told(chunk) {
    const { chunks } = this;
    if (!chunks.has(chunk)) {
      const known = { ready: this.fetchTold(chunk).then((told) => { known.told = told; }) };
      known.ready.catch(() => chunks.delete(chunk)); // asked again when it is needed
      chunks.set(chunk, known);
    }
    return chunks.get(chunk).ready;
  }

  async fetchTold(chunk) {
    const url = this.data.frames.replace("{strip}", this.strip).replace("{chunk}", chunk);
    const response = await fetch(url, { credentials: "same-origin", signal: this.ends.signal });
    if (!response.ok) throw new Error(`the server answered ${response.status} for the frames`);
    return response.json();
  }

  drawPair(frame) {
    const { words } = this;
    this.sentence.textContent = frame.sentence;
    this.sharpen = [];
    const pictures = [this.large(frame, this.reason(frame.reason, frame.label), this.state(frame))];
    if (frame.partner) pictures.push(this.large(frame.partner, this.reason("kept"), words.stands));
    this.pair.replaceChildren(...pictures);
    clearTimeout(this.resting); // whole pictures may have to be decoded from a video: only where somebody stays
    this.resting = setTimeout(() => this.sharpen.forEach((one) => one()), REST_MS);
    this.decide.hidden = !frame.decidable;
    this.takeBack.hidden = frame.removal === null || !this.data.may;
    if (!frame.kept && !frame.partner) this.sentence.append(element("span", { class: "soft", text: ` ${words.nothing_stands}` }));
  }

  /** How a reason is drawn; a method's own one as removed, under its name. */
  reason(name, label) { return this.data.reasons.find((one) => one.name === name) ?? { ...this.data.reasons[1], label }; }

  state(frame) {
    const { words } = this, { label } = this.reason(frame.reason, frame.label);
    if (frame.reason === "pinned") return !frame.kept ? words.removed_by : frame.by === "rule" ? words.kept_by_rule : words.kept_by;
    return frame.kept ? label : words.removed_for.replace("{reason}", () => label.toLowerCase());
  }

  large(frame, reason, state) {
    const view = element("div", { class: "view" }), small = this.data.thumbnail.replace("{id}", frame.id);
    const image = element("img", { alt: `${frame.title}, ${frame.group}: ${state}`, draggable: "false", src: small });
    let failed = 0; // of the small picture and the whole one
    const fail = () => {
      image.style.visibility = "hidden";
      if (++failed === 2) view.dataset.text = this.words.picture;
    };
    image.onerror = fail;
    view.append(image);
    this.sharpen.push(() => {
      const whole = new Image();
      whole.onload = () => { image.onerror = null; image.src = whole.src; image.style.visibility = "visible"; };
      whole.onerror = fail;
      whole.src = this.data.original.replace("{id}", frame.id);
    });
    return element("figure", {}, view, element("figcaption", {},
      element("span", { class: "badge", style: `color: ${this.look.reasons[reason.code]}`, text: `${reason.mark} ${state}` }),
      element("span", { class: "soft", text: frame.title, title: frame.title })));
  }

  /** The small pictures from `from` to `to`; those that are there already stay, so that nothing flashes. */
  drawFilm(from, to) {
    const held = this.film.contains(this.film.getRootNode().activeElement);
    const there = new Map([...this.film.children].map((one) => [Number(one.dataset.place), one]));
    const same = this.filmOf === this.strip;
    this.filmOf = this.strip;
    this.film.replaceChildren(...Array.from({ length: to - from + 1 }, (_, i) => (same && there.get(from + i)) || this.small(from + i)));
    for (const one of this.film.children) {
      const here = Number(one.dataset.place) === this.place;
      one.setAttribute("aria-pressed", String(here));
      one.tabIndex = here ? 0 : -1;
      if (here && held) one.focus({ preventScroll: true });
    }
  }

  small(at) {
    const frame = this.shown(at), reason = this.reason(frame.reason, frame.label), state = this.state(frame);
    const image = element("img", { alt: "", src: this.data.thumbnail.replace("{id}", frame.id), draggable: "false" });
    image.onerror = () => { image.style.visibility = "hidden"; };
    return element("button", {
      type: "button", class: frame.kept ? "small kept" : "small", "data-place": at,
      "aria-label": `${frame.title}: ${state}`, title: `${frame.title}: ${state}`,
      onclick: () => this.go(at), style: `--reason: ${this.look.reasons[reason.code]}`,
    }, image, element("span", { class: "mark", text: `${reason.mark} ${frame.title}` }));
  }

  /** Whether the key was for stepping. */
  key(event) {
    if (this.strip < 0 || event.ctrlKey || event.metaKey || event.altKey) return false;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.shiftKey) this.toKept(way);
    else if (way) this.go(this.place + way);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(this.frames.at.length - 1);
    else return false;
    return true;
  }

  destroy() { this.ends.abort(); clearTimeout(this.resting); }
}
