// The histogram of hardness with both margins on it, and the curve of both terms. Bands differ by colour and by pattern;
// margins are moved by mouse, finger or keyboard.
import { element, sheet } from "./explorer_limits.js";
import { hardnessAt, placeOf, short, ticksBetween } from "./hardness_numbers.js";

const LEFT = 10, RIGHT = 10, TOP = 34, BOTTOM = 24; // pixels around the bars; labels of the margins stand above
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

export class MarginPlot {
  /** `on`: {move(which, step), settle()}; steps are those of `numbers`, the Margins in hand. */
  constructor(words, on) {
    Object.assign(this, { words, on, handles: {} });
    this.canvas = element("canvas", { role: "img", "aria-label": words.histogram });
    this.tip = element("div", { class: "bartip", hidden: true });
    this.root = element("div", { class: "margins" }, this.canvas, this.tip);
    for (const which of ["lower", "upper"]) this.addHandle(which);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event.offsetX, event.offsetY));
    this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
  }

  addHandle(which) {
    const label = element("span", { class: "label" }), grip = element("span", { class: "grip", "aria-hidden": "true" });
    const handle = element("div", {
      class: `handle ${which}`, role: "slider", tabindex: 0, "aria-label": this.words[which], "aria-orientation": "horizontal",
      "aria-valuemin": 0, "aria-valuemax": 1,
    }, grip, label);
    handle.addEventListener("pointerdown", (event) => this.grab(which, handle, event));
    handle.addEventListener("keydown", (event) => this.key(which, event));
    this.handles[which] = { handle, label };
    this.root.append(handle);
  }

  grab(which, handle, event) {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    const box = this.root.getBoundingClientRect(), away = event.clientX - box.left - this.pixel(which);
    const move = (moved) => {
      if (moved.pointerId !== event.pointerId) return;
      this.drag(which, moved.clientX - this.root.getBoundingClientRect().left - away);
    };
    const end = (ended) => {
      if (ended.pointerId !== event.pointerId) return;
      for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) handle.removeEventListener(name, end);
      handle.removeEventListener("pointermove", move);
      handle.classList.remove("held");
      this.held = "";
      this.on.settle();
    };
    this.held = which;
    handle.classList.add("held");
    handle.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) handle.addEventListener(name, end);
  }

  drag(which, x) {
    const share = (x - LEFT) / this.span(), { numbers } = this;
    const step = share <= 0 ? 0 : share >= 1 ? numbers.steps : numbers.stepOf(which, hardnessAt(numbers.edges, share));
    this.on.move(which, step);
  }

  key(which, event) {
    const { steps } = this.numbers, unit = event.altKey ? 1 : event.shiftKey ? steps / 20 : steps / 200;
    const step = event.key === "Home" ? 0 : event.key === "End" ? steps : KEYS[event.key] ? this.at[which] + KEYS[event.key] * unit : NaN;
    if (step !== step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.on.move(which, step, true);
  }

  span() { return Math.max(1, this.root.clientWidth - LEFT - RIGHT); }

  /** Where a margin stands, in pixels from the left. */
  pixel(which) { return LEFT + this.share(which) * this.span(); }

  share(which) {
    const { numbers, at } = this;
    if (at[which] === 0) return 0;
    if (at[which] === numbers.steps) return 1;
    return placeOf(numbers.edges, numbers.hardness(which, at[which]));
  }

  /** Draw with the margins `at` {lower, upper}; `look`: colours and patterns of the bands. */
  show(numbers, at, look) {
    Object.assign(this, { numbers, at, look });
    if (!this.root.clientWidth) return;
    this.placeHandles();
    this.draw();
  }

  placeHandles() {
    const { numbers, at, words } = this, width = this.root.clientWidth;
    const x = { lower: this.pixel("lower"), upper: this.pixel("upper") };
    for (const which of ["lower", "upper"]) {
      const { handle, label } = this.handles[which], quantile = numbers.quantile(at[which]), value = short(numbers.hardness(which, at[which]));
      handle.style.transform = `translateX(${x[which]}px)`;
      const told = words[`${which}_value`].replace("{share}", `${Number((100 * quantile).toFixed(2))}\u202f%`).replace("{hardness}", value);
      label.textContent = `${words[`${which}_short`]} ${Number(quantile.toFixed(4))} \u00b7 ${value}`;
      handle.setAttribute("aria-valuenow", String(quantile));
      handle.setAttribute("aria-valuetext", told);
      handle.title = told;
    }
    // where both lie on one another, the one that has room to go must be the one that is grabbed
    this.handles.lower.handle.style.zIndex = x.lower > width / 2 ? 3 : 2;
    this.handles.upper.handle.style.zIndex = x.lower > width / 2 ? 2 : 3;
    this.placeLabels(x, width);
  }

  /** The lower margin's label ends at it and the upper's begins at it, as far as the sheet allows. */
  placeLabels(x, width) {
    const lower = this.handles.lower.label, upper = this.handles.upper.label, gap = 8;
    const wide = { lower: lower.offsetWidth, upper: upper.offsetWidth };
    let left = { lower: x.lower - wide.lower + 6, upper: x.upper - 6 };
    left.lower = Math.max(0, Math.min(left.lower, width - wide.lower - wide.upper - gap));
    left.upper = Math.min(width - wide.upper, Math.max(left.upper, left.lower + wide.lower + gap));
    lower.style.left = `${left.lower - x.lower}px`;
    upper.style.left = `${left.upper - x.upper}px`;
  }

  draw() {
    const { ink, width, height } = sheet(this.canvas), { numbers, at, look } = this;
    const base = height - BOTTOM, tall = base - TOP, span = width - LEFT - RIGHT, { edges } = numbers, bins = edges.length - 1;
    const bars = numbers.bars(at.lower, at.upper);
    this.highest ??= new WeakMap();
    if (!this.highest.has(numbers)) this.highest.set(numbers, Math.max(1, ...bars.map(([a, b, c]) => a + b + c)));
    const most = this.highest.get(numbers);
    this.bars = bars;
    ink.font = `12px ${look.font}`;
    ink.fillStyle = look.line;
    ink.fillRect(LEFT, base, span, 1);
    for (let bin = 0; bin < bins; bin++) {
      const from = LEFT + (bin / bins) * span, wide = Math.max(1, span / bins - (span / bins > 4 ? 0.75 : 0));
      let foot = base;
      bars[bin].forEach((number, band) => {
        if (!number) return;
        const high = Math.max(1.5, (number / most) * tall);
        ink.fillStyle = look.bands[band].colour;
        ink.fillRect(from, foot - high, wide, high);
        if (look.bands[band].pattern) { ink.fillStyle = look.bands[band].pattern; ink.fillRect(from, foot - high, wide, high); }
        foot -= high;
      });
    }
    ink.fillStyle = look.soft;
    ink.textBaseline = "top"; ink.textAlign = "center";
    let free = -Infinity;
    for (const tick of ticksBetween(edges[0], edges[bins])) {
      const x = LEFT + placeOf(edges, tick) * span, text = short(tick), half = ink.measureText(text).width / 2;
      if (x - half < free || x - half < 0 || x + half > width - 70) continue;
      ink.fillRect(x, base, 1, 4);
      ink.fillText(text, x, base + 7);
      free = x + half + 10;
    }
    ink.textAlign = "right";
    ink.fillText(this.words.axis, width - 2, base + 7);
  }

  hover(x, y) {
    const { numbers, words } = this;
    if (!numbers || !this.bars) return;
    const bins = this.bars.length, bin = Math.floor(((x - LEFT) / this.span()) * bins);
    this.tip.hidden = bin < 0 || bin >= bins;
    if (this.tip.hidden) return;
    const total = this.bars[bin].reduce((sum, one) => sum + one, 0);
    this.tip.textContent = words.bar.replace("{n}", total.toLocaleString("en-US").replaceAll(",", "\u202f"))
      .replace("{low}", short(numbers.edges[bin])).replace("{high}", short(numbers.edges[bin + 1]));
    this.tip.style.left = `${Math.max(0, Math.min(this.root.clientWidth - this.tip.offsetWidth, x + 12))}px`;
    this.tip.style.top = `${Math.max(0, y - 34)}px`;
  }
}

/** Both terms of ever more of the hardest patches between the margins; diamonds: those chosen. `found`: Margins.curve. */
export function drawTerms(canvas, found, chosen, look, words) {
  const { ink, width, height } = sheet(canvas);
  const left = 46, right = width - 12, top = 10, bottom = height - 34;
  ink.font = `12px ${look.font}`;
  const told = found.filter((one) => one.nothing === one.nothing);
  if (!told.length) { ink.fillStyle = look.soft; ink.textAlign = "center"; ink.fillText(words.none_between, width / 2, height / 2); return; }
  const points = chosen ? [...told, chosen] : told, values = points.flatMap((one) => [one.nothing, one.given]);
  let low = Math.min(...values), high = Math.max(...values);
  const room = Math.max((high - low) * 0.08, 1e-3);
  low -= room; high += room;
  const first = Math.log(Math.min(...points.map((one) => one.patches))), last = Math.log(Math.max(...points.map((one) => one.patches)));
  const px = (patches) => (last > first ? left + ((Math.log(patches) - first) / (last - first)) * (right - left) : (left + right) / 2);
  const py = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  ink.textBaseline = "middle"; ink.textAlign = "right";
  for (const tick of evenTicks(low, high, 4)) {
    ink.fillStyle = look.line; ink.fillRect(left, py(tick), right - left, 1);
    ink.fillStyle = look.soft; ink.fillText(tick.toFixed(Math.max(0, Math.min(4, 1 - Math.floor(Math.log10(high - low))))), left - 6, py(tick));
  }
  ink.textBaseline = "top"; ink.textAlign = "center";
  let free = -Infinity;
  for (const tick of ticksBetween(Math.exp(first) * 0.999, Math.exp(last) * 1.001)) {
    const text = tick.toLocaleString("en-US").replaceAll(",", "\u202f"), half = ink.measureText(text).width / 2, x = px(tick);
    if (x - half < free || x + half > width) continue;
    ink.fillStyle = look.line; ink.fillRect(x, bottom, 1, 4);
    ink.fillStyle = look.soft; ink.fillText(text, x, bottom + 5);
    free = x + half + 8;
  }
  ink.fillText(words.budget_axis, (left + right) / 2, height - 14);
  for (const [term, dash, colour] of [["nothing", [6, 4], look.nothing], ["given", [], look.given]]) {
    ink.strokeStyle = ink.fillStyle = colour; ink.lineWidth = 2; ink.setLineDash(dash);
    ink.beginPath();
    told.forEach((one, at) => ink[at ? "lineTo" : "moveTo"](px(one.patches), py(one[term])));
    ink.stroke();
    ink.setLineDash([]);
    if (told.length === 1) { ink.beginPath(); ink.arc(px(told[0].patches), py(told[0][term]), 3, 0, 7); ink.fill(); }
    if (chosen) diamond(ink, px(chosen.patches), py(chosen[term]), 6, look.paper);
  }
}

function diamond(ink, x, y, size, paper) {
  ink.beginPath();
  ink.moveTo(x, y - size); ink.lineTo(x + size, y); ink.lineTo(x, y + size); ink.lineTo(x - size, y);
  ink.closePath(); ink.fill();
  ink.strokeStyle = paper; ink.lineWidth = 1.5; ink.stroke();
}

/** About `number` round values within [low, high]. */
export function evenTicks(low, high, number) {
  const rough = (high - low) / number, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(Math.abs(tick) < step / 1e6 ? 0 : tick);
  return found;
}
