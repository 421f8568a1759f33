// The timeline: a list of strips, scrolled with only those in sight drawn, and below it the frames of the one looked
// at. All words and addresses come from Python; names are set as text. Python hears only of a frame to decide on.
import { element } from "./explorer_limits.js";
import { fetchPacked } from "./explorer_data.js";
import { luminance } from "./explorer_colours.js";
import { clock, number } from "./explorer_text.js";
import { drawStrip, positionAt } from "./timeline_strip.js";
import { Viewer } from "./timeline_viewer.js";

const ROW = 66; // pixels, as in timeline.css
const instances = new WeakMap();

/** Called by Streamlit for the first drawing and again whenever Python's data or the theme changes. */
export async function mount(component) {
  const { parentElement: parent, data } = component;
  let timeline = instances.get(parent);
  if (!timeline) {
    timeline = new Timeline(parent, data);
    instances.set(parent, timeline);
    await timeline.build();
  }
  timeline.tell = component.setTriggerValue;
  await timeline.update(data);
  return () => { timeline.destroy(); instances.delete(parent); };
}

class Timeline {
  constructor(parent, data) {
    Object.assign(this, { parent, data, words: data.words, rows: new Map(), order: [], chosen: -1, ends: new AbortController() });
    this.early = this.fetchAll(data); // while the rest is built
    this.early.catch(() => {}); // told where it is awaited
  }

  fetchAll(data) { return fetchPacked(data.strips, this.ends.signal); }

  async build() {
    const { words } = this;
    const style = element("link", { rel: "stylesheet", href: new URL("timeline.css", import.meta.url).href });
    const loaded = new Promise((done) => { style.onload = done; style.onerror = done; });
    this.root = element("div", { class: "timeline", "data-state": "loading" });
    this.parent.append(style, this.root);
    this.summary = element("p", { class: "summary", role: "status", text: words.loading });
    this.find = element("input", { type: "search", placeholder: words.find, "aria-label": words.find, oninput: () => this.arrange() });
    this.sort = element("select", { "aria-label": words.sort, onchange: () => this.arrange() },
      element("option", { value: "gap", text: words.sort_gap }), element("option", { value: "name", text: words.sort_name }));
    this.shown = element("span", { class: "soft", "aria-live": "polite" });
    this.note = element("span", { class: "soft", hidden: true });
    this.tools = element("div", { class: "tools" }, this.find, this.sort, this.shown, element("span", { class: "spring" }), this.note);
    this.legend = element("div", { class: "legend" });
    this.space = element("div", { class: "space", role: "presentation" });
    this.list = element("div", { class: "list", tabindex: 0, role: "listbox", "aria-label": words.list, onscroll: () => this.fill() }, this.space);
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.viewer = new Viewer(words, { moved: () => this.mark(), key: (event) => this.key(event), decide: (id) => this.tell("decide", id),
      takeBack: (frame, seq) => this.tell("take_back", { frame, seq }) });
    this.root.append(this.summary, this.tools, this.list, this.legend, this.viewer.root);
    await loaded;
    this.watcher = new ResizeObserver(() => this.redraw());
    this.watcher.observe(this.list);
  }

  /** Take over what Python says now: other addresses, other pins, another theme. */
  async update(data) {
    this.data = data;
    this.readTheme();
    if (this.have !== data.version) {
      this.have = data.version;
      const { early } = this;
      this.early = null;
      try {
        this.all = await (early ?? this.fetchAll(data));
      } catch (error) {
        if (error.name !== "AbortError") this.fail();
        return;
      }
      this.viewer.take(data, this.look);
      this.begin();
    }
    this.viewer.take(data, this.look);
    this.redraw();
    this.root.dataset.state = "ready";
  }

  fail() {
    this.have = null;
    this.summary.textContent = this.words.failed;
    this.root.dataset.state = "failed";
  }

  begin() {
    const { strips, sentence } = this.all.header, { words } = this;
    this.summary.textContent = sentence;
    for (const one of [this.find, this.sort, this.shown]) one.hidden = strips.length < 2;
    const untimed = strips.filter((one) => !one.timed).length;
    const alone = strips.length > 0 && strips.every((one) => one.frames === 1);
    this.note.hidden = untimed === 0 && !alone;
    this.note.textContent = alone ? words.alone
      : untimed === strips.length ? words.untimed : words.some_untimed;
    this.drawLegend();
    const again = this.chosen >= 0 && this.chosen < strips.length;
    this.arrange();
    if (again) this.viewer.open(this.chosen, strips[this.chosen], this.viewer.position());
    else if (this.order.length) this.choose(this.order[0], null);
  }

  drawLegend() {
    const { words, all } = this, mark = (code) => this.data.reasons.find((one) => one.code === code).mark;
    const key = (code, text) => element("span", { class: "key" }, element("i", { text: mark(code), style: `color: ${this.look.reasons[code]}` }), text);
    const some = (name) => all[name].some((value) => value > 0);
    this.legend.replaceChildren(key(0, words.kept), key(1, words.removed),
      ...(some("faults") ? [key(3, words.fault)] : []), ...(some("reviewed") ? [key(5, words.reviewed)] : []),
      ...(some("ruled") ? [element("span", { class: "key" }, element("i", { text: "\u25A1", style: `color: ${this.look.reasons[5]}` }), words.ruled)] : []),
      element("span", { class: "key" }, element("i", { text: "\u250C\u2510", class: "alarm" }), words.stretch));
  }

  /** Which strips are shown, and in which order. */
  arrange() {
    const { strips } = this.all.header, wanted = this.find.value.trim().toLowerCase();
    const found = [...strips.keys()].filter((at) => strips[at].name.toLowerCase().includes(wanted));
    if (this.sort.value === "gap") found.sort((a, b) => strips[a].rank - strips[b].rank);
    this.order = found;
    this.shown.textContent = !found.length ? this.words.none_found
      : this.words.shown.replace("{n}", number(found.length)).replace("{all}", number(strips.length));
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.space.style.height = `${found.length * ROW}px`;
    this.list.scrollTop = 0;
    this.fill();
  }

  /** Have a row for every strip in sight, and for no other. */
  fill() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - 1);
    const last = Math.min(this.order.length, Math.ceil((this.list.scrollTop + (this.list.clientHeight || 5 * ROW)) / ROW) + 1);
    for (const [at, row] of this.rows) if (at < first || at >= last) { row.remove(); this.rows.delete(at); }
    for (let at = first; at < last; at++) if (!this.rows.has(at)) this.addRow(at);
  }

  addRow(at) {
    const strip = this.order[at], about = this.all.header.strips[strip], { words } = this;
    const canvas = element("canvas", { "aria-hidden": "true" });
    const tally = about.frames === 1 ? words.one_frame
      : words.kept_of.replace("{kept}", number(about.kept)).replace("{frames}", number(about.frames));
    const span = about.timed ? ` · ${clock(about.end - about.start)}` : "";
    const row = element("div", {
      class: "row", role: "option", id: `strip-${strip}`, "data-strip": strip, style: `top: ${at * ROW}px`,
      "aria-selected": String(strip === this.chosen), "aria-setsize": this.order.length, "aria-posinset": at + 1,
      "aria-label": `${about.name}: ${tally}; ${about.gap ? about.gap.text : words.all_kept}`,
    }, element("div", { class: "who" }, element("b", { text: about.name, title: about.name }), element("span", { class: "soft", text: tally + span })),
      canvas, element("span", { class: "at", hidden: true }));
    canvas.addEventListener("click", (event) => this.choose(strip, positionAt(about, event.offsetX, canvas.clientWidth), true));
    canvas.addEventListener("pointermove", (event) => this.tip(row, about, event.offsetX));
    canvas.addEventListener("pointerleave", () => { row.lastElementChild.hidden = true; });
    row.firstElementChild.addEventListener("click", () => this.choose(strip, null, true));
    this.rows.set(at, row);
    this.space.append(row);
    this.draw(row);
  }

  tip(row, about, x) {
    const tip = row.lastElementChild, canvas = row.querySelector("canvas"), at = positionAt(about, x, canvas.clientWidth);
    tip.hidden = about.frames === 1;
    tip.textContent = about.timed ? clock(at) : this.words.frame_of.replace("{n}", number(Math.round(at) + 1)).replace("{all}", number(about.frames));
    tip.style.left = `${canvas.offsetLeft + x}px`;
  }

  draw(row) {
    const strip = Number(row.dataset.strip), { header } = this.all;
    const here = strip === this.chosen && this.viewer.strip === strip ? this.viewer.position() : null;
    drawStrip(row.querySelector("canvas"), header.strips[strip], this.all, this.look, here);
    this.root.dataset.painted = String(Number(this.root.dataset.painted ?? 0) + 1);
  }

  redraw() {
    if (!this.all || !this.list.clientWidth) return;
    this.fill();
    for (const row of this.rows.values()) this.draw(row);
    this.viewer.redraw();
  }

  /** Look at one strip, at a position or, for null, at the start of its longest stretch. */
  choose(strip, position, focus = false) {
    const before = this.chosen;
    this.chosen = strip;
    this.list.setAttribute("aria-activedescendant", `strip-${strip}`);
    for (const row of this.rows.values()) {
      const one = Number(row.dataset.strip);
      row.setAttribute("aria-selected", String(one === strip));
      if (one === before && before !== strip) this.draw(row);
    }
    this.viewer.open(strip, this.all.header.strips[strip], position);
    if (focus) this.list.focus({ preventScroll: true });
  }

  /** The frame looked at has changed: show where it is. */
  mark() {
    for (const row of this.rows.values()) if (Number(row.dataset.strip) === this.chosen) this.draw(row);
  }

  key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) this.other(step);
    else if (!this.viewer.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  other(step) {
    const at = Math.max(0, Math.min(this.order.length - 1, this.order.indexOf(this.chosen) + step));
    if (this.order[at] === undefined || this.order[at] === this.chosen) return;
    const top = at * ROW, below = top + ROW - this.list.clientHeight;
    if (this.list.scrollTop > top) this.list.scrollTop = top;
    if (this.list.scrollTop < below) this.list.scrollTop = below;
    this.fill();
    this.choose(this.order[at], null);
  }

  readTheme() {
    const style = getComputedStyle(this.root), of = (name, other) => style.getPropertyValue(name).trim() || other;
    const paper = of("--st-background-color", "#ffffff"), dark = luminance(paper) < 0.5;
    this.root.classList.toggle("dark", dark);
    const reasons = Object.fromEntries(this.data.reasons.map((one) => [one.code, dark ? one.dark : one.light]));
    const alarm = dark ? "#FF9E8A" : "#B3261E";
    this.look = {
      reasons, dark, paper, alarm, text: of("--st-text-color", "#16202B"), ground: of("--st-secondary-background-color", "#F3F6F9"),
      soft: dark ? "#A9B6C4" : "#556270", veil: dark ? "#ff9e8a2b" : "#b3261e1c", font: of("--st-font", "sans-serif"),
    };
    this.root.style.setProperty("--alarm", alarm);
    if (this.all) this.drawLegend();
  }

  destroy() { this.ends.abort(); this.watcher?.disconnect(); this.viewer.destroy(); }
}
