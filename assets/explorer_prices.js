// What a kept share costs: mIoU and NormDEL of finished benchmarks against it, with a mark where the share stands now.
// Shares and scores are fractions; between two measured shares the mark lies on the straight line that joins them.
import { element, sheet } from "./explorer_limits.js";
import { percent } from "./explorer_text.js";

const KINDS = ["miou", "normdel"];

export class Prices {
  constructor(words) {
    this.words = words;
    this.caption = element("p", { class: "caption" });
    this.picker = element("select", { class: "by", "aria-label": words.published, onchange: () => this.draw(this.share) });
    this.canvases = Object.fromEntries(KINDS.map((kind) => [kind, element("canvas", { class: "price", role: "img" })]));
    this.plots = element("div", { class: "plots" }, ...KINDS.map((kind) => element("figure", {},
      element("figcaption", { text: words[kind], title: words[`${kind}_help`] }), this.canvases[kind])));
    this.legend = element("div", { class: "legend" });
    this.root = element("section", { class: "prices", "aria-live": "polite" }, this.caption, this.plots,
      element("div", { class: "bar" }, this.legend, element("span", { class: "spring" }), this.picker));
  }

  /** `data`: {source, series, published} as `explore_prices.py` makes it, or null where nothing has been scored. */
  setData(data) {
    const key = JSON.stringify(data ?? null);
    if (key === this.key) return;
    this.key = key;
    this.data = data ?? null;
    this.plots.hidden = this.picker.hidden = this.legend.hidden = !data;
    this.root.classList.toggle("none", !data);
    if (!data) { this.caption.textContent = this.words.no_prices; return; }
    const chosen = this.picker.value;
    const options = [["", this.words.no_published], ...data.published.map(({ name }) => [name, `${this.words.published}: ${name}`])];
    this.picker.replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
    this.picker.value = options.some(([value]) => value === chosen) ? chosen : "";
    this.draw(this.share);
  }

  /** Draw both curves with the mark at `share`, in [0, 1]. */
  draw(share) {
    this.share = share;
    if (!this.data || share === undefined || !this.root.isConnected) return;
    const dark = Boolean(this.root.closest(".dark"));
    const published = this.data.published.find(({ name }) => name === this.picker.value);
    const followed = this.data.series.find(({ follow }) => follow);
    this.legend.replaceChildren(...this.data.series.map((one) => element("span", { class: "key", style: `--chip: ${dark ? one.dark : one.light}` },
      element("i", { text: one.flat ? "\u2508" : "\u2501" }), one.name)));
    const told = Object.fromEntries(KINDS.map((kind) => [kind, followed ? between(followed[kind], share) : null]));
    for (const kind of KINDS) drawPrice(this.canvases[kind], { kind, series: this.data.series, published, share, at: told[kind], dark, followed });
    this.root.dataset.share = String(share);
    for (const kind of KINDS) this.root.dataset[kind] = told[kind] ? told[kind].value.toFixed(4) : "";
    this.caption.textContent = this.sentence(share, told, followed);
    this.caption.title = this.data.source;
    for (const kind of KINDS) this.canvases[kind].setAttribute("aria-label", `${this.words[kind]}: ${this.caption.textContent}`);
  }

  sentence(share, told, followed) {
    const { words } = this;
    if (!followed) return this.data.source;
    if (!told.miou) {
      const [low, high] = ends(followed.miou);
      return words.outside.replace("{share}", percent(share)).replace("{low}", percent(low)).replace("{high}", percent(high));
    }
    const [score, norm] = KINDS.map((kind) => told[kind].value.toFixed(3));
    const text = told.miou.measured ? words.measured : words.between;
    return text.replace("{share}", percent(share)).replace("{name}", followed.name).replace("{miou}", score).replace("{normdel}", norm);
  }
}

/** The value at `share` on the line through `points` [[share, mean, low, high], ...], ascending; null outside. */
export function between(points, share) {
  for (let i = 0; i < points.length; i++) {
    const [x, y] = points[i];
    if (Math.abs(x - share) < 5e-4) return { value: y, measured: true };
    if (x > share) {
      if (i === 0) return null;
      const [left, before] = points[i - 1];
      return { value: before + (y - before) * (share - left) / (x - left), measured: false };
    }
  }
  return null;
}

function ends(points) { return [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 1]; }

function drawPrice(canvas, { kind, series, published, share, at, dark, followed }) {
  const { ink, width, height } = sheet(canvas);
  const style = getComputedStyle(canvas);
  const text = style.color, grey = dark ? "#77828E" : "#8A94A0";
  const left = 40, right = width - 10, top = 8, bottom = height - 18;
  const shown = series.flatMap((one) => one[kind]);
  const [low, high] = range([...shown.flatMap(([, mean, least, most]) => [mean, least, most]),
    ...(published ? published[kind].map(([, value]) => value) : [])].filter((value) => value !== null));
  const shares = [...shown, ...(published?.[kind] ?? [])].map(([x]) => x);
  const least = Math.log10(Math.max(1e-4, Math.min(0.05, ...shares) * 0.8));
  const px = (value) => left + (Math.log10(Math.max(10 ** least, value)) - least) / -least * (right - left);
  const py = (value) => bottom - (value - low) / (high - low) * (bottom - top);
  ink.font = `11px ${style.fontFamily}`; ink.textBaseline = "middle";
  for (const tick of ticks(low, high)) {
    ink.globalAlpha = 0.15; ink.fillStyle = text; ink.fillRect(left, py(tick), right - left, 1);
    ink.globalAlpha = 0.7; ink.textAlign = "right"; ink.fillText(tick.toFixed(high - low < 0.02 ? 3 : 2), left - 5, py(tick));
  }
  for (const tick of [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]) {
    if (Math.log10(tick) < least) continue;
    ink.globalAlpha = 0.7; ink.textAlign = tick === 1 ? "right" : "center";
    ink.fillText(`${tick * 100}${tick === 1 ? " %" : ""}`, px(tick) + (tick === 1 ? 8 : 0), bottom + 11);
  }
  ink.globalAlpha = 1;
  if (published) line(ink, published[kind], px, py, grey, { dash: [3, 3], width: 1.5 });
  for (const one of series) {
    const colour = dark ? one.dark : one.light;
    if (one.flat) {
      const [[, mean, least_, most]] = one[kind];
      if (least_ !== null) { ink.globalAlpha = 0.12; ink.fillStyle = colour; ink.fillRect(left, py(most), right - left, Math.max(1, py(least_) - py(most))); }
      ink.globalAlpha = 1;
      line(ink, [[10 ** least, mean], [1, mean]], px, py, colour, { dash: [6, 4], width: 1.5 });
      continue;
    }
    for (const [x, , from, to] of one[kind]) {
      if (from === null) continue;
      ink.strokeStyle = colour; ink.lineWidth = 1.2; ink.beginPath(); ink.moveTo(px(x), py(from)); ink.lineTo(px(x), py(to)); ink.stroke();
    }
    line(ink, one[kind], px, py, colour, { width: one === followed ? 2.2 : 1.6 });
    for (const [x, y] of one[kind]) { ink.beginPath(); ink.arc(px(x), py(y), 3, 0, 2 * Math.PI); ink.fillStyle = colour; ink.fill(); }
  }
  const x = px(share);
  ink.globalAlpha = 0.55; ink.strokeStyle = text; ink.lineWidth = 1; ink.setLineDash([3, 3]);
  ink.beginPath(); ink.moveTo(x, top); ink.lineTo(x, bottom); ink.stroke();
  ink.setLineDash([]); ink.globalAlpha = 1;
  if (!at) return;
  ink.beginPath(); ink.arc(x, py(at.value), 5.5, 0, 2 * Math.PI);
  ink.fillStyle = style.getPropertyValue("--paper"); ink.fill();
  ink.strokeStyle = text; ink.lineWidth = 2.2; ink.stroke();
}

function line(ink, points, px, py, colour, { dash = [], width }) {
  ink.strokeStyle = colour; ink.lineWidth = width; ink.setLineDash(dash); ink.beginPath();
  points.forEach(([x, y], i) => ink[i ? "lineTo" : "moveTo"](px(x), py(y)));
  ink.stroke(); ink.setLineDash([]);
}

/** Least and most of the values with some room around them. */
function range(values) {
  const low = Math.min(...values), high = Math.max(...values), room = Math.max(0.004, (high - low) * 0.12);
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

/** Three or four round numbers within [low, high]. */
function ticks(low, high) {
  const rough = (high - low) / 3, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * unit).find((one) => one >= rough * 0.8);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) found.push(tick);
  return found;
}
