// The margins of the Hardness page: what is dragged is counted and drawn here, at once; Python hears of it on release, or
// when the hand rests. All words, colours and addresses come from Python; the numbers once, over HTTP.
import { element } from "./explorer_limits.js";
import { fetchPacked } from "./explorer_data.js";
import { luminance } from "./explorer_colours.js";
import { number, percent } from "./explorer_text.js";
import { Margins, short } from "./hardness_numbers.js";
import { Gallery } from "./hardness_gallery.js";
import { MarginPlot, drawTerms } from "./hardness_plot.js";

const REST_MS = 600, KEY_MS = 250, LOOK_MS = 120, HELD_MS = 300, BESIDE = 4; // pictures wait for a hand that moves
const BANDS = ["too_easy", "useful", "suspicious"];
const instances = new WeakMap();

/** Called by Streamlit for the first drawing and again whenever Python's data or the theme changes. */
export async function mount(component) {
  const { parentElement: parent, data } = component;
  let panel = instances.get(parent);
  if (!panel) {
    panel = new Panel(parent, data);
    instances.set(parent, panel);
    panel.built = panel.build();
  }
  await panel.built; // data may change while it is being built
  panel.tell = component.setStateValue;
  await panel.update(data);
  return () => { panel.destroy(); instances.delete(parent); };
}

class Panel {
  constructor(parent, data) {
    Object.assign(this, { parent, data, words: data.words, moves: data.heard, at: { lower: 0, upper: 0 }, cards: {}, strips: {}, tell: () => {} });
    this.ends = new AbortController();
  }

  async build() {
    const { words } = this;
    const style = element("link", { rel: "stylesheet", href: new URL("hardness.css", import.meta.url).href });
    const loaded = new Promise((done) => { style.onload = done; style.onerror = done; });
    this.root = element("div", { class: "hardness", "data-state": "loading" });
    this.parent.append(style, this.root);
    await loaded;
    const cards = element("div", { class: "cards", role: "group", "aria-label": words.counts });
    for (const band of this.data.bands) {
      const swatch = element("canvas", { class: "swatch", width: 36, height: 36, "aria-hidden": "true" });
      const strong = element("strong", { text: "\u2013" }), share = element("span", { class: "soft" });
      this.cards[band.name] = { swatch, strong, share };
      cards.append(element("div", { class: `card ${band.name}`, title: band.sentence },
        element("span", { class: "name" }, ...(band.name === "chosen" ? [] : [swatch]), band.title), strong, share));
    }
    this.plot = new MarginPlot(words, { move: (which, step, key) => this.move(which, step, key), settle: () => this.settle() });
    this.looks = element("div", { class: "looks" });
    for (const which of ["lower", "upper"]) this.addStrips(which);
    this.table = element("table", { class: "terms" });
    this.curve = element("canvas", { class: "curve", role: "img", "aria-label": words.curve });
    this.note = element("p", { class: "soft note" });
    this.spoken = element("p", { class: "spoken", role: "status" });
    this.gallery = new Gallery(this.data, { places: (list) => this.examples(list), chosen: (skip, most) => this.choice(skip, most) });
    this.root.append(cards, this.plot.root, element("p", { class: "soft hint", text: words.hint }), this.looks,
      element("div", { class: "information" },
        element("section", {}, element("h4", { text: words.information, title: words.information_help }), this.table, this.note),
        element("section", {}, element("h4", { text: words.curve }), this.legend = element("p", { class: "legend" }), this.curve)),
      this.gallery.root, this.spoken);
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.root);
  }

  addStrips(which) {
    const { words } = this, place = {};
    const parts = ["out", "inside"].map((side) => {
      const list = element("div", { class: "patches" });
      place[side] = list;
      return element("section", { class: `side ${side}` }, element("p", { class: "soft", text: words[`${which}_${side}`] }), list);
    });
    this.strips[which] = place;
    this.looks.append(element("div", { class: `look ${which}`, role: "group", "aria-label": words[which] },
      element("h4", { text: words[`${which}_look`] }), element("div", { class: "sides" }, ...(which === "lower" ? parts : parts.reverse()))));
  }

  /** Take over what Python says now: other patches, margins set from outside, what it has chosen. */
  async update(data) {
    this.data = data;
    if (this.have !== data.table) {
      const wanted = data.table;
      try {
        const table = await fetchPacked(new URL(wanted, document.baseURI), this.ends.signal);
        if (this.data.table !== wanted) return;
        this.numbers = new Margins(table);
        this.have = wanted;
        this.version = undefined;
      } catch (error) {
        if (error.name !== "AbortError") { this.root.dataset.state = "failed"; this.spoken.textContent = this.words.failed; this.spoken.classList.add("seen"); }
        return;
      }
    }
    if (this.version !== data.version) {
      this.version = data.version;
      // what was sent before Python heard of the latest move is out of date: Python will follow, not this side
      if (data.heard >= this.moves && !this.plot.held) {
        this.moves = data.heard;
        this.at = { lower: this.numbers.step(data.margins[0]), upper: this.numbers.step(data.margins[1]) };
      }
    }
    this.readTheme();
    this.draw();
    this.lookLater(0);
    this.root.dataset.state = "ready";
  }

  /** A margin is moved to a step, as far as the other one lets it; a key press ends there, a drag goes on. */
  move(which, step, key = false) {
    const { numbers, at } = this, low = which === "lower" ? 0 : at.lower, high = which === "lower" ? at.upper : numbers.steps;
    const to = Math.max(low, Math.min(high, Math.round(step)));
    if (to === at[which]) return;
    this.at = this.plot.at = { ...at, [which]: to }; // the next key may come before the next drawing
    this.due ||= requestAnimationFrame(() => { this.due = 0; this.draw(); });
    this.lookLater(this.plot.held ? HELD_MS : LOOK_MS);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.settle(), key ? KEY_MS : REST_MS);
  }

  settle() {
    clearTimeout(this.rest);
    if (!this.plot.held) this.lookLater(0);
    const { lower, upper } = this.at, said = `${this.have}/${lower}/${upper}`;
    if (said === this.said) return;
    this.said = said;
    this.moves += 1;
    this.tell("margins", { lower: this.numbers.quantile(lower), upper: this.numbers.quantile(upper), move: this.moves });
    const { counted } = this;
    this.spoken.textContent = this.data.bands.map((band) => `${band.title} ${number(counted[band.name])}`).join(", ");
  }

  // --- drawing ------------------------------------------------------------------------------------------------

  draw() {
    const { numbers, at, data } = this;
    if (!numbers || !this.look || !this.root.clientWidth) return;
    const counted = numbers.counts(at.lower, at.upper, data.limits);
    const alike = data.limits.alike !== null, chosen = alike ? this.chosenNow()?.patches : 0;
    this.counted = { ...counted, chosen: chosen || counted.allowed };
    for (const [name, card] of Object.entries(this.cards)) {
      card.strong.textContent = (name === "chosen" && alike && !chosen ? "\u2264\u202f" : "") + number(this.counted[name]);
      card.share.textContent = percent(this.counted[name] / numbers.m) + (name === "useful" ? ` \u00b7 ${this.words.of_frames.replace("{n}", number(counted.frames))}` : "");
    }
    this.root.dataset.counts = JSON.stringify(this.counted);
    this.plot.show(numbers, at, this.look);
    this.drawInformation();
    this.root.dataset.painted = String(Number(this.root.dataset.painted ?? 0) + 1);
  }

  /** What Python has chosen with just these margins; null while it has not followed. */
  chosenNow() {
    const { numbers, at, data } = this;
    if (!data.limited) return numbers.terms(at.lower, at.upper);
    const fits = data.chosen && numbers.step(data.chosen.margins[0]) === at.lower && numbers.step(data.chosen.margins[1]) === at.upper;
    if (!fits) return null;
    return data.chosen.patches ? data.chosen : { patches: 0, nothing: NaN, given: NaN, information: NaN };
  }

  drawInformation() {
    const { numbers, at, words } = this, chosen = this.chosenNow(), useful = numbers.terms(at.lower, at.upper);
    const rows = [[words.all, numbers.terms(0, numbers.steps)], [words.useful, useful], [words.chosen, chosen]];
    const head = element("tr", {}, ...["", "H(Y|\u2205)", "H(Y|X)", words.difference].map((text) => element("th", { text, scope: "col" })));
    this.table.replaceChildren(head, ...rows.map(([name, one]) => element("tr", {}, element("th", { text: name, scope: "row" }),
      ...["nothing", "given", "information"].map((term) => element("td", { text: one && one[term] === one[term] ? one[term].toFixed(3) : one ? "\u2013" : "\u2026" })))));
    const told = chosen ?? useful;
    this.note.textContent = told.information < 0 ? words.worse : words.nats;
    drawTerms(this.curve, numbers.curve(at.lower, at.upper), chosen?.patches ? chosen : null, this.look, words);
    this.root.dataset.terms = JSON.stringify(useful);
  }

  readTheme() {
    const style = getComputedStyle(this.root), of = (name, other) => style.getPropertyValue(name).trim() || other;
    const paper = of("--st-background-color", "#ffffff"), dark = luminance(paper) < 0.5, text = of("--st-text-color", "#16202B");
    this.root.classList.toggle("dark", dark);
    const bands = BANDS.map((name) => {
      const band = this.data.bands.find((one) => one.name === name), colour = dark ? band.dark : band.light;
      this.root.style.setProperty(`--${name}`, colour);
      return { colour, pattern: hatched(band.pattern, dark ? "#000000aa" : "#ffffffcc") };
    });
    const faint = dark ? "#e6ebf0" : "#1b2530";
    this.look = {
      bands, dark, paper, text, soft: dark ? "#A9B6C4" : "#556270", line: `${faint}2a`, font: of("--st-font", "sans-serif"),
      nothing: dark ? "#F28E3D" : "#B84A00", given: dark ? "#56B4E9" : "#0072B2",
    };
    BANDS.forEach((name, at) => {
      for (const canvas of [this.cards[name].swatch, this.gallery.root.querySelector(`.${name} .swatch`)]) swatch(canvas, bands[at]);
    });
    this.legend.replaceChildren(...["nothing", "given"].flatMap((term) => [
      element("span", { class: "key" }, element("i", { class: term, style: `border-color: ${this.look[term]}` }), this.words[term])]),
      element("span", { class: "key" }, element("i", { class: "diamond", text: "\u25C6" }), this.words.chosen));
  }

  // --- patches beside the margins -----------------------------------------------------------------------------

  lookLater(after) {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.fetchBeside(), after);
  }

  async fetchBeside() {
    const { numbers, at, data } = this, chosen = this.chosenNow();
    this.gallery.show(numbers, numbers.band(at.lower, at.upper), { limited: data.limited, chosen: chosen ? chosen.patches : null, source: data.examples + data.choice });
    const wanted = ["lower", "upper"].flatMap((which) => Object.entries(numbers.beside(which, at.lower, at.upper, BESIDE))
      .map(([side, places]) => ({ list: this.strips[which][side], places })));
    const asked = `${data.examples} ${JSON.stringify(wanted.map((one) => one.places))}`;
    if (asked === this.asked) return;
    this.asked = asked;
    try {
      const known = new Map((await this.examples([...new Set(wanted.flatMap((one) => one.places))])).map((one) => [one.place, one]));
      if (asked !== this.asked) return; // meanwhile a margin has moved on
      for (const { list, places } of wanted) this.fill(list, places.map((place) => known.get(place)).filter(Boolean));
      this.root.dataset.beside = JSON.stringify(wanted.map((one) => one.places));
    } catch (error) {
      if (error.name !== "AbortError" && asked === this.asked) this.asked = "";
    }
  }

  /** The patches at these places. */
  examples(places) { return places.length ? this.fetchList(this.data.examples, { places: places.join() }) : Promise.resolve([]); }

  /** Some of the patches that all rules choose, once Python knows them. */
  choice(skip, most) { return this.fetchList(this.data.choice, { skip, most }); }

  async fetchList(address, query) {
    const url = new URL(address, document.baseURI);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await fetch(url, { credentials: "same-origin", signal: this.ends.signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return response.json();
  }

  fill(list, examples) {
    if (!examples.length) { list.replaceChildren(element("span", { class: "soft", text: this.words.nobody })); return; }
    list.replaceChildren(...examples.map((one) => {
      const told = `${this.words.axis} ${short(one.hardness)} \u00b7 ${one.name}`;
      const picture = element("img", { src: this.data.patch.replace("{row}", one.row), alt: told, title: told, loading: "lazy" });
      picture.addEventListener("error", () => picture.replaceWith(element("span", { class: "missing", text: one.name, title: told })));
      return picture;
    }));
  }

  destroy() {
    this.ends.abort();
    this.watcher?.disconnect();
    cancelAnimationFrame(this.due);
    for (const timer of [this.rest, this.looking]) clearTimeout(timer);
  }
}

/** A fill pattern: "/" stripes, "x" crossed stripes; null for none. */
function hatched(kind, ink) {
  if (!kind) return null;
  const tile = element("canvas", { width: 7, height: 7 }), pen = tile.getContext("2d");
  pen.strokeStyle = ink; pen.lineWidth = 1.3;
  const lines = [[-1, 1, 1, -1], [0, 7, 7, 0], [6, 8, 8, 6]];
  if (kind === "x") lines.push([-1, 6, 1, 8], [0, 0, 7, 7], [6, -1, 8, 1]);
  for (const [x0, y0, x1, y1] of lines) { pen.beginPath(); pen.moveTo(x0, y0); pen.lineTo(x1, y1); pen.stroke(); }
  return pen.createPattern(tile, "repeat");
}

function swatch(canvas, { colour, pattern }) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const fill of [colour, pattern]) if (fill) { pen.fillStyle = fill; pen.fillRect(0, 0, canvas.width, canvas.height); }
}
