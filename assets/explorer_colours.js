// Colours of the points when they stand for something else than the decision, and the legend that says what.
import { element } from "./explorer_limits.js";
import { number } from "./explorer_text.js";

// Okabe and Ito's hues and four more, told apart on light and on dark ground.
const CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B59A00", "#56B4E9", "#7A5195", "#8C564B", "#5F8A00", "#B2182B"];
const CATEGORIES_DARK = ["#56B4E9", "#F28E3D", "#2FCFA0", "#E3A1C9", "#F0E442", "#9AD0F5", "#B79AD6", "#D0A08F", "#A9CF54", "#F2787F"];
// After viridis: brighter all the way for every kind of sight, but with no end that the ground swallows.
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 140, 135], [84, 176, 82], [226, 182, 10]];
const RAMP_DARK = [[128, 84, 196], [84, 122, 204], [44, 164, 158], [108, 208, 104], [253, 231, 37]];
const UNKNOWN = [128, 128, 128];

/** (n,) category numbers -> (4n,) uint8 RGBA; more categories than hues begin again. */
export function categoryColours(values, dark) {
  const hues = (dark ? CATEGORIES_DARK : CATEGORIES).map(parse);
  const colours = new Uint8Array(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    const hue = hues[values[i] % hues.length];
    colours[4 * i] = hue[0]; colours[4 * i + 1] = hue[1]; colours[4 * i + 2] = hue[2]; colours[4 * i + 3] = 255;
  }
  return colours;
}

/** (n,) numbers -> (4n,) uint8 RGBA along the ramp from `low` to `high`; NaN is grey. */
export function scoreColours(values, low, high, dark) {
  const ramp = rampOf(dark);
  const colours = new Uint8Array(4 * values.length).fill(255);
  for (let i = 0; i < values.length; i++) {
    const share = (values[i] - low) / (high - low);
    const [r, g, b] = share === share ? along(ramp, Math.max(0, Math.min(1, share))) : UNKNOWN;
    colours[4 * i] = r; colours[4 * i + 1] = g; colours[4 * i + 2] = b;
  }
  return colours;
}

/** (n,) numbers -> (4n,) uint8 RGBA by their place between `knots`, the quantiles at equal steps; NaN is grey with an
 *  alpha of 0, which the map draws hollow. */
export function placeColours(values, knots, dark) {
  const ramp = rampOf(dark);
  const colours = new Uint8Array(4 * values.length).fill(255);
  for (let i = 0; i < values.length; i++) {
    const share = place(values[i], knots);
    const [r, g, b] = share === share ? along(ramp, share) : UNKNOWN;
    colours[4 * i] = r; colours[4 * i + 1] = g; colours[4 * i + 2] = b;
    if (share !== share) colours[4 * i + 3] = 0;
  }
  return colours;
}

/** Where a value lies between the knots, 0 to 1; in the middle of the knots equal to it; NaN for NaN. */
export function place(value, knots) {
  if (value !== value || !knots.length) return NaN;
  const below = bound(knots, (knot) => knot < value), upto = bound(knots, (knot) => knot <= value), last = knots.length - 1;
  if (upto > below) return (below + upto - 1) / 2 / last;
  if (below === 0 || upto > last) return below === 0 ? 0 : 1;
  return (below - 1 + (value - knots[below - 1]) / (knots[below] - knots[below - 1])) / last;
}

/** How many knots, from the first, have the property. */
function bound(knots, has) {
  let low = 0, high = knots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (has(knots[middle])) low = middle + 1; else high = middle;
  }
  return low;
}

export function legendEntries(explorer, colouring) {
  const { data, points, scores, words, dark } = explorer, colourBy = colouring.by;
  if (colourBy === "hardness") {
    const { header } = colouring.fetched.hardness ?? {};
    return header ? hardnessEntries(header, data, words, dark) : [element("span", { text: words.loading })];
  }
  if (colourBy === "decision") {
    const { removed } = explorer.counted ?? { removed: [] };
    return data.reasons.filter(({ code }) => code === 0 || removed[code]).map((reason) => key(reason.mark, reason.label, explorer.colour(reason)));
  }
  if (colourBy === "stays") {
    return [...rampEntries(words.stays_low, words.stays_high, dark), element("span", { text: data.stays?.label ?? "" }), element("span", { text: words.faded_removed })];
  }
  const hues = dark ? CATEGORIES_DARK : CATEGORIES;
  const names = colourBy === "group" ? points.header.groups
    : colourBy === "cluster" ? Array.from({ length: scores?.header.clusters ?? 0 }, (_, i) => `${words.by_cluster} ${i + 1}`)
    : points.header.labels[colourBy.slice(6)];
  if (names) {
    const shown = names.slice(0, hues.length).map((name, i) => key("\u25CF", name, hues[i]));
    if (names.length > hues.length) shown.push(element("span", { text: words.more_categories.replace("{n}", names.length - hues.length) }));
    return shown;
  }
  const { low, high } = explorer.limitControls[{ F: "eta", d: "epsilon", invalid: "invalid" }[colourBy]].spec;
  return [...rampEntries(low.toFixed(2), high.toFixed(2), dark), element("span", { text: words.faded_removed })];
}

/** A scale with the numbers at its quarters, in words at both ends; then what is not on it. */
function hardnessEntries({ marks, without }, data, words, dark) {
  const scale = element("span", { class: "scale", title: words.hardness_help },
    element("span", { class: "strip", style: `background: ${strip(dark)}` }),
    ...marks.map((mark, i) => element("span", { class: "mark", style: `left: ${i * 100 / (marks.length - 1)}%`, text: mark })));
  const entries = [element("span", { text: words.easy }), scale, element("span", { text: words.hard })];
  if (without) entries.push(key("\u25CB", `${words.no_patch} (${number(without)})`, dark ? "#B5B5B5" : "#6B6B6B"));
  return [...entries, element("span", { text: words.faded_removed }), element("span", { class: "source", text: data.hardness?.told ?? "" })];
}

function strip(dark) { return `linear-gradient(90deg, ${rampOf(dark).map((colour) => `rgb(${colour})`).join(", ")})`; }

function rampEntries(low, high, dark) {
  return [element("span", { text: low }), element("span", { class: "strip", style: `background: ${strip(dark)}` }),
    element("span", { text: high })];
}

function key(mark, label, colour) {
  return element("span", { class: "key", style: `--chip: ${colour}` }, element("i", { text: mark }), label);
}

function rampOf(dark) { return dark ? RAMP_DARK : RAMP; }

function along(ramp, share) {
  const at = share * (ramp.length - 1), low = Math.min(ramp.length - 2, Math.floor(at)), rest = at - low;
  return ramp[low].map((value, channel) => value + (ramp[low + 1][channel] - value) * rest);
}

function parse(hex) { return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)); }

/** Any CSS colour -> [red, green, blue], 0 to 255. */
export function rgb(colour) {
  const pen = (rgb.pen ??= document.createElement("canvas").getContext("2d"));
  pen.fillStyle = "#000"; pen.fillStyle = colour;
  const hex = pen.fillStyle;
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** 0 for black, 1 for white. */
export function luminance(colour) {
  const [r, g, b] = rgb(colour);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}
