// Limits to move: a histogram with a line on it. A native range input lies over the drawing, so that keyboard and
// screen readers work; the number can be typed as well.
import { histogram } from "./explorer_data.js";

const BINS = 72, INSET = 8; // INSET: half the width of the range's thumb, so that line and histogram agree

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Fit a canvas to its box and the screen's pixels; returns its context, scaled to CSS pixels, and the size. */
export function sheet(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const ink = canvas.getContext("2d");
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  ink.clearRect(0, 0, width, height);
  return { ink, width, height };
}

export class Limit {
  /** `spec`: {name, title, hint, low, high, step, colour}; `on`: {move(value), settle(value)}. */
  constructor(spec, on) {
    this.spec = spec;
    this.marks = [];
    const { name, title, hint, help, low, high, step } = spec;
    const id = `limit-${name}`;
    const bounds = { min: low, max: high, step };
    this.range = element("input", { type: "range", id, ...bounds, "aria-describedby": `${id}-hint` });
    this.number = element("input", { type: "number", class: "number", ...bounds, "aria-label": title });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.tally = element("span", { class: "tally" });
    this.links = element("span", { class: "links" });
    this.root = element("section", { class: `limit ${name}` },
      element("div", { class: "head" }, element("label", { for: id, text: title, title: help }), this.tally, this.number),
      element("div", { class: "plot" }, this.canvas, this.range),
      element("p", { class: "hint", id: `${id}-hint`, text: hint, title: help }), this.links);
    this.range.addEventListener("input", () => this.moved(Number(this.range.value), on.move));
    this.range.addEventListener("change", () => this.moved(Number(this.range.value), on.settle));
    this.number.addEventListener("change", () => {
      const typed = Number(this.number.value);
      if (this.number.value === "" || !Number.isFinite(typed)) { this.set(this.value); return; }
      this.moved(Math.max(low, Math.min(high, typed)), on.settle);
    });
  }

  moved(value, tell) {
    this.set(value);
    tell(value);
  }

  set(value) {
    this.value = value;
    this.range.value = String(value);
    this.number.value = String(Number(value.toFixed(4)));
    this.range.setAttribute("aria-valuetext", this.number.value);
    this.draw();
  }

  setValues(values) {
    this.counts = histogram(values, this.spec.low, this.spec.high, BINS);
    // The highest bin would flatten all the others: heights grow with the square root.
    this.top = Math.sqrt(Math.max(1, ...this.counts));
    this.draw();
  }

  /** `marks`: [{value, label, button}]: a tick on the histogram and, below it, a button that goes there. */
  setMarks(marks, on) {
    this.marks = marks;
    this.links.replaceChildren(...marks.map((mark) => element("button", {
      type: "button", class: "link", text: mark.button, title: mark.label, onclick: () => this.moved(mark.value, on.settle),
    })));
    this.draw();
  }

  disable(off) {
    this.root.classList.toggle("off", off);
    this.range.disabled = this.number.disabled = off;
  }

  draw() {
    if (!this.counts || !this.canvas.isConnected) return;
    const { ink, width, height } = sheet(this.canvas);
    const style = getComputedStyle(this.root);
    const kept = style.getPropertyValue("--kept"), gone = style.getPropertyValue("--gone"), text = style.color;
    const { low, high } = this.spec, span = width - 2 * INSET, base = height - 1;
    const place = (value) => INSET + (value - low) / (high - low) * span;
    const cut = place(Math.max(low, Math.min(high, this.value)));
    for (let bin = 0; bin < BINS; bin++) {
      if (!this.counts[bin]) continue;
      const left = INSET + bin / BINS * span, right = INSET + (bin + 1) / BINS * span - 0.5;
      const tall = Math.max(1.5, Math.sqrt(this.counts[bin]) / this.top * (height - 8));
      for (const [from, to, colour] of [[left, Math.min(right, cut), kept], [Math.max(left, cut), right, gone]]) {
        if (to > from) { ink.fillStyle = colour; ink.fillRect(from, base - tall, to - from, tall); }
      }
    }
    ink.fillStyle = text;
    ink.globalAlpha = 0.25; ink.fillRect(INSET, base, span, 1); ink.globalAlpha = 0.8;
    for (const { value } of this.marks) {
      if (value < low || value > high) continue;
      const x = place(value);
      ink.beginPath(); ink.moveTo(x - 4, 0); ink.lineTo(x + 4, 0); ink.lineTo(x, 6); ink.fill();
    }
    ink.globalAlpha = 1;
  }
}

/** The kept share against the limit, with the point where the limit stands now. */
export function drawCurve(canvas, { curve, low, high, eta, share, words }) {
  const { ink, width, height } = sheet(canvas);
  const style = getComputedStyle(canvas);
  const text = style.color, kept = style.getPropertyValue("--kept");
  const left = 34, right = width - 10, top = 8, bottom = height - 20;
  const px = (value) => left + (value - low) / (high - low) * (right - left);
  const py = (value) => bottom - value * (bottom - top);
  ink.font = `11px ${style.fontFamily}`; ink.fillStyle = text; ink.textBaseline = "middle";
  for (const tick of [0, 0.5, 1]) {
    ink.globalAlpha = 0.15; ink.fillRect(left, py(tick), right - left, 1);
    ink.globalAlpha = 0.7; ink.textAlign = "right"; ink.fillText(`${tick * 100} %`, left - 5, py(tick));
  }
  ink.textAlign = "left"; ink.fillText(low.toFixed(2), left, bottom + 12);
  ink.textAlign = "right"; ink.fillText(high.toFixed(2), right, bottom + 12);
  ink.textAlign = "center"; ink.fillText(words.curve_x, (left + right) / 2, bottom + 12);
  ink.globalAlpha = 1;
  ink.beginPath();
  curve.forEach((value, i) => ink[i ? "lineTo" : "moveTo"](px(low + i / (curve.length - 1) * (high - low)), py(value)));
  ink.strokeStyle = kept; ink.lineWidth = 2; ink.stroke();
  const x = px(Math.max(low, Math.min(high, eta))), y = py(share);
  ink.globalAlpha = 0.4; ink.strokeStyle = text; ink.lineWidth = 1; ink.setLineDash([3, 3]);
  ink.beginPath(); ink.moveTo(x, bottom); ink.lineTo(x, y); ink.lineTo(left, y); ink.stroke();
  ink.setLineDash([]); ink.globalAlpha = 1;
  ink.beginPath(); ink.arc(x, y, 4.5, 0, 2 * Math.PI); ink.fillStyle = kept; ink.fill();
  ink.strokeStyle = style.getPropertyValue("--paper"); ink.lineWidth = 2; ink.stroke();
}
