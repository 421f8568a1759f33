// The explorer: limits, counts and map in one component. What the visitor drags is decided and drawn here, at once;
// Python hears of it on release. All words, colours and limits come from Python; geometry and scores over HTTP.
import { REASONS, KEPT, PINNED, decide, fetchPacked, frameId, keptCurve, mergeScores, rowOf } from "./explorer_data.js";
import { drawCurve, element, Limit } from "./explorer_limits.js";
import { FrameMap } from "./explorer_map.js";
import { Pins } from "./explorer_pins.js";
import { Prices } from "./explorer_prices.js";
import { Colouring } from "./explorer_colouring.js";
import { luminance, rgb } from "./explorer_colours.js";
import { clock, number, percent } from "./explorer_text.js";

const IDLE_MS = 4000;
const instances = new WeakMap();

/** Called by Streamlit for the first drawing and again whenever Python's data or the theme changes. */
export async function mount(component) {
  const { parentElement: parent } = component;
  let explorer = instances.get(parent);
  if (!explorer) {
    explorer = new Explorer(parent, component.data);
    instances.set(parent, explorer);
    await explorer.build();
  }
  explorer.tell = component.setStateValue;
  await explorer.update(component.data);
  return () => { explorer.destroy(); instances.delete(parent); };
}

class Explorer {
  constructor(parent, data) {
    this.parent = parent; this.data = data; this.limits = { ...data.limits }; this.words = data.words;
    this.misses = 0; this.moves = data.limits_heard ?? 0; this.tell = () => {};
  }

  async build() {
    const style = element("link", { rel: "stylesheet", href: new URL("explorer.css", import.meta.url).href });
    const loaded = new Promise((done) => { style.onload = done; style.onerror = done; });
    this.root = element("div", { class: "explorer", "data-state": "loading" });
    this.parent.append(style, this.root);
    await loaded;
    this.buildControls();
    this.buildStage();
    this.watcher = new ResizeObserver(() => this.redrawCharts());
    this.watcher.observe(this.root);
  }

  buildControls() {
    const { words, data } = this;
    this.modes = element("div", { class: "segments", role: "radiogroup", "aria-label": words.mode });
    for (const mode of ["similar", "share"]) {
      this.modes.append(element("label", {},
        element("input", { type: "radio", name: `mode-${data.key}`, value: mode, onchange: () => this.setMode(mode) }),
        element("span", { text: words[`mode_${mode}`] })));
    }
    this.share = element("input", { type: "range", min: 0.1, max: 100, step: 0.1, "aria-label": words.share });
    this.shareNumber = element("input", { type: "number", class: "number", min: 0.1, max: 100, step: 0.1, "aria-label": words.share });
    this.shareBox = element("section", { class: "share" },
      element("div", { class: "head" }, element("span", { text: words.share }), this.shareNumber, element("span", { text: "%" })),
      this.share, element("p", { class: "hint", text: words.share_hint }));
    for (const input of [this.share, this.shareNumber]) {
      input.addEventListener("input", () => this.moveShare(input, false));
      input.addEventListener("change", () => this.moveShare(input, true));
    }
    this.limitControls = Object.fromEntries(data.controls.map((spec) => [spec.name, new Limit(spec, {
      move: (value) => this.moveLimit(spec.name, value, false), settle: (value) => this.moveLimit(spec.name, value, true),
    })]));
    const { eta } = this.limitControls;
    eta?.setMarks(data.marks ?? [], { settle: (value) => this.moveLimit("eta", value, true) });
    this.total = element("p", { class: "total" });
    this.tallies = element("div", { class: "tallies" });
    this.counts = element("section", { class: "counts", "aria-live": "polite" }, this.total, this.tallies);
    this.curve = element("canvas", { class: "curve", role: "img", "aria-label": words.curve });
    this.panel = element("div", { class: "panel" }, this.modes, this.shareBox,
      ...Object.values(this.limitControls).map((control) => control.root),
      this.counts, element("section", { class: "curvebox" }, element("p", { class: "caption", text: words.curve }), this.curve));
    this.root.append(this.panel);
  }

  buildStage() {
    const { words } = this;
    this.tools = element("div", { class: "segments tools", role: "group" });
    for (const tool of ["pan", "lasso"]) {
      this.tools.append(element("button", {
        type: "button", text: words[tool], title: words[`${tool}_hint`], "data-tool": tool, onclick: () => this.setTool(tool),
      }));
    }
    this.clear = element("button", { type: "button", class: "ghost", text: words.clear_lasso, hidden: true, onclick: () => this.lasso(null) });
    this.fitButton = element("button", { type: "button", class: "ghost", text: words.reset, title: words.reset_hint, onclick: () => this.map?.reset() });
    this.colouring = new Colouring(this);
    this.pins = new Pins(this);
    this.stage = element("div", { class: "stage" });
    this.tip = element("div", { class: "tip", role: "status", hidden: true });
    this.notice = element("div", { class: "notice", role: "status", text: words.loading });
    this.prices = new Prices(words);
    this.root.append(element("div", { class: "main" },
      element("div", { class: "bar" }, this.tools, this.fitButton, this.clear, element("span", { class: "spring" }),
        this.colouring.picker),
      this.stage, this.colouring.legend, this.prices.root));
    this.stage.append(this.notice, this.tip);
    try {
      this.map = new FrameMap(this.stage, {
        hover: (row, x, y) => this.hover(row, x, y), pick: (row) => this.pick(row), lasso: (polygon) => this.lasso(polygon),
        lost: (lost) => this.say(lost ? words.context_lost : ""),
      });
      this.map.overlay.setAttribute("aria-label", words.map_label);
      this.setTool("pan");
    } catch (error) {
      this.root.classList.add("flat");
      this.say(words.no_webgl);
      this.webgl = String(error.message);
    }
  }

  /** Take over what Python says now: other geometry or scores, limits set from outside, the frame in the why card. */
  async update(data) {
    this.data = data;
    this.prices.setData(data.prices);
    this.root.classList.toggle("priced", Boolean(data.prices));
    this.readTheme();
    if (this.webgl && !this.told) { this.told = true; this.tell("trouble", this.webgl); }
    try {
      await this.loadGeometry();
      await this.loadScores();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.say(this.words.load_failed);
      if (error.missing && ++this.misses < 4) {
        this.tell("missing", this.misses); // Python computes them again under the same name
        setTimeout(() => this.update(this.data), 1500);
      }
      return;
    }
    if (!this.points || !this.scores) return;
    if (data.limits_version !== this.limitsVersion) {
      this.limitsVersion = data.limits_version;
      // what was sent before Python heard of the latest move is out of date: Python will follow, not this side
      if (data.limits_heard >= this.moves) {
        this.moves = data.limits_heard;
        this.limits = { ...data.limits };
        this.said = this.limitsKey();
        this.showLimits();
      }
      if (this.scores.stale) this.fetchScores(this.scores.basis);
    }
    this.refresh();
    this.showPicked();
    this.showLasso();
    this.colouring.update();
    this.pins.update();
    this.root.dataset.state = "ready";
  }

  async loadGeometry() {
    if (this.geometryUrl === this.data.geometry) return;
    this.say(this.words.loading);
    const { geometry } = this.data;
    const points = await fetchPacked(new URL(geometry, document.baseURI));
    if (this.data.geometry !== geometry) return;
    this.geometryUrl = geometry;
    this.points = points;
    this.scores = null; this.scoresId = "";
    this.codes = new Uint8Array(points.header.n);
    this.lassoVersion = undefined;
    this.map?.setPoints(points.x, points.y);
    this.pins.clear();
    this.colouring.fill();
    this.say(this.webgl ? this.words.no_webgl : "");
  }

  async loadScores() {
    const { scores } = this.data;
    if (this.scoresId === scores.id) return;
    const asked = this.limitsKey();
    const answer = await fetchPacked(this.scoresUrl(this.scores?.basis));
    if (this.data.scores.id !== scores.id) return; // meanwhile Python has gone on
    this.takeScores(answer, asked);
    this.scoresId = scores.id;
  }

  takeScores(answer, asked) {
    this.scores = mergeScores(this.scores, answer);
    this.codesFor = answer.header.kind === "codes" ? asked : "";
    const { eta, epsilon, invalid } = this.limitControls, { F, d, invalid: faults } = this.scores;
    if (answer.header.kind !== "codes") eta?.setValues(F);
    if (answer.header.kind === "full") { epsilon?.setValues(d); if (faults) invalid?.setValues(faults); }
    if (this.scores.stale) this.freshenLater();
  }

  /** The address of the scores; with what the browser has, so that only the difference is sent. */
  scoresUrl(basis, only) {
    const url = new URL(this.data.scores.url, document.baseURI);
    if (basis) for (const [name, value] of Object.entries({ since: basis, ...this.limits })) url.searchParams.set(name, value);
    if (only) url.searchParams.set("only", only);
    return url;
  }

  /** After a change of many clusters the server sends decisions, not numbers, so that a step stays small. The
   *  numbers follow when nothing has moved for a while; until then limits are exact on release only. */
  freshenLater() {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.fetchScores(undefined, "F"), IDLE_MS);
  }

  async fetchScores(basis, only) {
    const id = this.scoresId, asked = this.limitsKey();
    try {
      const answer = await fetchPacked(this.scoresUrl(basis, only));
      if (id !== this.scoresId) return;
      this.takeScores(answer, asked);
      this.refresh();
    } catch { this.freshenLater(); }
  }

  limitsKey() { const { mode, eta, epsilon, invalid, keep } = this.limits; return JSON.stringify([mode, eta, epsilon, invalid, keep]); }

  // --- limits -------------------------------------------------------------------------------------------------

  setMode(mode) {
    if (mode === "share" && this.counted) this.limits.keep = Math.max(0.001, Math.round(this.counted.kept / this.codes.length * 1000) / 1000);
    if (mode === "similar" && this.counted && this.limits.mode === "share") this.limits.eta = this.typedEta();
    this.limits.mode = mode;
    this.showLimits();
    this.refresh();
    this.settle();
  }

  /** The limit that the share amounts to, as the number box can show it. */
  typedEta() {
    const { low, high } = this.limitControls.eta.spec;
    return Math.max(low, Math.min(high, Math.ceil(this.counted.eta * 1e4) / 1e4));
  }

  moveLimit(name, value, settled) {
    this.limits[name] = value;
    if (name === "eta" && this.limits.mode === "share") { this.limits.mode = "similar"; this.showLimits(); }
    this.schedule();
    if (settled) this.settle();
  }

  moveShare(input, settled) {
    const typed = Number(input.value);
    if (!(typed > 0 && typed <= 100)) { if (settled) this.showLimits(); return; }
    this.limits.keep = typed / 100;
    for (const other of [this.share, this.shareNumber]) if (other !== input) other.value = String(typed);
    this.schedule();
    if (settled) this.settle();
  }

  schedule() {
    if (this.scores?.stale) this.freshenLater();
    if (this.due) return;
    this.due = requestAnimationFrame(() => { this.due = 0; this.refresh(); });
  }

  settle() {
    const said = this.limitsKey();
    if (said === this.said) return;
    this.said = said;
    if (this.due) { cancelAnimationFrame(this.due); this.due = 0; this.refresh(); } // shown here before Python answers
    const { mode, eta, epsilon, invalid, keep } = this.limits;
    this.moves += 1;
    this.tell("limits", { mode, eta, epsilon, invalid, keep, move: this.moves });
    if (this.scores?.stale && !this.moved()) this.fetchScores(this.scores.basis);
  }

  /** Whether epsilon or the limit of unusable stand elsewhere than the scores in hand were computed for. */
  moved() {
    const { epsilon, invalid } = this.scores.header;
    return this.limits.epsilon !== epsilon || this.limits.invalid !== invalid;
  }

  showLimits() {
    const { limits } = this, share = limits.mode === "share";
    for (const input of this.modes.querySelectorAll("input")) input.checked = input.value === limits.mode;
    this.root.classList.toggle("by-share", share);
    this.shareBox.hidden = !share;
    this.share.value = this.shareNumber.value = String(Math.round(limits.keep * 1000) / 10);
    for (const [name, control] of Object.entries(this.limitControls)) control.set(limits[name]);
    this.limitControls.eta?.root.classList.toggle("off", share);
  }

  /** Decide anew and draw everything that follows from it. */
  refresh() {
    if (!this.scores || !this.points) return;
    const { scores, codes, limits } = this;
    const told = scores.stale && this.codesFor === this.limitsKey();
    this.counted = told ? this.takeCodes(scores.codes) : decide(codes, scores, limits, this.points.id);
    this.root.classList.toggle("rough", Boolean(this.moved() || (scores.stale && !told)));
    if (limits.mode === "share") this.limitControls.eta?.set(this.counted.eta);
    this.map?.setCodes(codes);
    if (this.pins.rows.length) this.pins.show();
    this.showCounts();
    this.redrawCurve();
    this.prices.draw(this.counted.kept / this.codes.length);
    this.colouring.showLegend();
  }

  takeCodes(codes) {
    this.codes.set(codes);
    const removed = new Array(REASONS.length).fill(0);
    for (const code of codes) removed[code]++;
    return { kept: removed[KEPT] + removed[PINNED], removed, eta: this.scores.header.eta ?? this.limits.eta };
  }

  showCounts() {
    const { counted, words } = this, n = this.codes.length;
    this.root.dataset.kept = String(counted.kept);
    this.root.dataset.removed = JSON.stringify(counted.removed);
    this.total.replaceChildren(
      element("span", { class: "about", text: "\u2248", title: words.rough }), element("strong", { text: number(counted.kept) }), ` ${words.of} ${number(n)} ${words.kept} `,
      element("span", { class: "percent", text: percent(counted.kept / n) }));
    const shown = this.data.reasons.filter(({ code }) => code !== KEPT && counted.removed[code]);
    this.tallies.replaceChildren(...shown.map((reason) => element("span", { class: "chip", style: `--chip: ${this.colour(reason)}` },
      element("i", { text: reason.mark }), `${number(counted.removed[reason.code])} ${reason.label}`)));
    const byName = { eta: 1, epsilon: 2, invalid: 3 };
    for (const [name, control] of Object.entries(this.limitControls)) {
      const gone = counted.removed[byName[name]] + (name === "eta" ? counted.removed[4] : 0);
      control.tally.textContent = gone ? `\u2212${number(gone)}` : "";
    }
  }

  redrawCurve() {
    if (!this.scores || !this.limitControls.eta || !this.curve.isConnected) return;
    const { low, high } = this.limitControls.eta.spec, { epsilon, invalid } = this.limits;
    const basis = `${this.scoresId}/${this.scores.stale}/${epsilon}/${invalid}`;
    if (basis !== this.curveBasis) { this.curveBasis = basis; this.curveValues = keptCurve(this.scores, this.limits, low, high); }
    drawCurve(this.curve, {
      curve: this.curveValues, low, high, words: this.words, eta: this.counted.eta, share: this.counted.kept / this.codes.length,
    });
  }

  redrawCharts() {
    for (const control of Object.values(this.limitControls ?? {})) control.draw();
    if (this.counted) this.redrawCurve();
    this.prices?.draw(this.prices.share);
  }

  // --- map ----------------------------------------------------------------------------------------------------

  setTool(tool) {
    this.map?.setTool(tool);
    for (const button of this.tools.children) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  pick(row) {
    this.ownPick = frameId(this.points.id, row);
    this.map.setPicked(row, -1);
    this.tell("picked", this.ownPick);
  }

  showPicked() {
    const find = (id) => (id && this.points ? rowOf(this.points.id, id) : -1);
    this.map?.setPicked(find(this.data.picked), find(this.data.partner));
  }

  lasso(polygon) {
    this.drawLasso(polygon);
    this.tell("lasso", polygon);
  }

  showLasso() {
    if (this.lassoVersion === this.data.lasso_version) return;
    this.lassoVersion = this.data.lasso_version;
    this.drawLasso(this.data.lasso ?? null);
  }

  drawLasso(polygon) {
    const rows = this.map?.setLasso(polygon) ?? [];
    this.clear.hidden = !polygon;
    this.clear.textContent = `${this.words.clear_lasso} (${number(rows.length)})`;
    this.root.dataset.lassoed = String(rows.length);
  }

  async hover(row, x, y) {
    this.hovered = row;
    this.tip.hidden = row < 0;
    if (row < 0) return;
    const { points, words } = this, { header } = points;
    const reason = this.data.reasons.find(({ code }) => code === this.codes[row]);
    const picture = element("img", { alt: "", src: this.data.thumbnail.replace("{id}", frameId(points.id, row)) });
    const when = points.time && points.time[row] === points.time[row] ? clock(points.time[row]) : `${words.frame} ${number(points.order[row] + 1)}`;
    this.tip.replaceChildren(picture,
      element("b", { text: header.groups[points.group[row]] }), element("span", { text: when }),
      element("span", { class: "state", style: `--chip: ${this.colour(reason)}` }, element("i", { text: reason.mark }), reason.label),
      ...[this.colouring.said(row), this.pins.said(row)].filter(Boolean).map((text) => element("span", { text })));
    const { clientWidth: w, clientHeight: h } = this.stage;
    this.tip.style.left = `${Math.max(4, x > w / 2 ? x - this.tip.offsetWidth - 14 : x + 14)}px`;
    this.tip.style.top = `${Math.max(4, Math.min(h - this.tip.offsetHeight - 6, y - 60))}px`;
  }

  // --- colours ------------------------------------------------------------------------------------------------

  readTheme() {
    const style = getComputedStyle(this.root);
    const paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    this.dark = luminance(paper) < 0.4;
    this.root.classList.toggle("dark", this.dark);
    const palette = new Float32Array(18);
    for (const reason of this.data.reasons) palette.set(rgb(this.colour(reason)).map((v) => v / 255), 3 * reason.code);
    for (const reason of this.data.reasons) this.root.style.setProperty(`--reason-${reason.code}`, this.colour(reason));
    const ink = style.getPropertyValue("--st-text-color").trim() || (this.dark ? "#fafafa" : "#262730");
    this.map?.setTheme({ palette, ink, paper, wash: this.dark ? "#ffffff14" : "#0000000d", ground: rgb(paper).map((v) => v / 255) });
    this.redrawCharts();
    if (this.points) this.colouring.set(this.colouring.by);
  }

  colour(reason) { return this.dark ? reason.dark : reason.light; }

  say(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  destroy() {
    this.watcher?.disconnect();
    this.map?.destroy();
    cancelAnimationFrame(this.due);
    clearTimeout(this.idle);
  }
}
