// Colours of the points when they stand for something else than the decision, and the legend that says what.
import { element } from "./explorer_limits.js";

// Okabe and Ito's hues and four more, told apart on light and on dark ground.
const CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B59A00", "#56B4E9", "#7A5195", "#8C564B", "#5F8A00", "#B2182B"];
const CATEGORIES_DARK = ["#56B4E9", "#F28E3D", "#2FCFA0", "#E3A1C9", "#F0E442", "#9AD0F5", "#B79AD6", "#D0A08F", "#A9CF54", "#F2787F"];
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis

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
export function scoreColours(values, low, high) {
  const colours = new Uint8Array(4 * values.length).fill(255);
  for (let i = 0; i < values.length; i++) {
    const share = (values[i] - low) / (high - low);
    const [r, g, b] = share === share ? ramp(Math.max(0, Math.min(1, share))) : [128, 128, 128];
    colours[4 * i] = r; colours[4 * i + 1] = g; colours[4 * i + 2] = b;
  }
  return colours;
}

export function legendEntries(explorer) {
  const { colourBy, data, points, scores, words, dark } = explorer;
  if (colourBy === "decision") {
    const { removed } = explorer.counted ?? { removed: [] };
    return data.reasons.filter(({ code }) => code === 0 || removed[code]).map((reason) => key(reason.mark, reason.label, explorer.colour(reason)));
  }
  if (colourBy === "stays") {
    return [...rampEntries(words.stays_low, words.stays_high), element("span", { text: data.stays?.label ?? "" }), element("span", { text: words.faded_removed })];
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
  return [...rampEntries(low.toFixed(2), high.toFixed(2)), element("span", { text: words.faded_removed })];
}

function rampEntries(low, high) {
  const strip = RAMP.map((colour) => `rgb(${colour})`).join(", ");
  return [element("span", { text: low }), element("span", { class: "strip", style: `background: linear-gradient(90deg, ${strip})` }),
    element("span", { text: high })];
}

function key(mark, label, colour) {
  return element("span", { class: "key", style: `--chip: ${colour}` }, element("i", { text: mark }), label);
}

function ramp(share) {
  const at = share * (RAMP.length - 1), low = Math.min(RAMP.length - 2, Math.floor(at)), rest = at - low;
  return RAMP[low].map((value, channel) => value + (RAMP[low + 1][channel] - value) * rest);
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
