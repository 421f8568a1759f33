// What the points' colours stand for: the list to choose from, numbers that come when somebody asks for them, the
// legend that says what is seen.
import { categoryColours, legendEntries, placeColours, scoreColours } from "./explorer_colours.js";
import { fetchPacked } from "./explorer_data.js";
import { element } from "./explorer_limits.js";

const FETCHED = ["stays", "hardness"]; // by the address in the data of that name, once it is chosen

export class Colouring {
  /** `explorer` has data, words, points, scores, counted, limitControls, dark, map, pins, root, say and tell. */
  constructor(explorer) {
    this.explorer = explorer;
    this.by = "decision";
    this.fetched = {};
    this.picker = element("select", { class: "by", "aria-label": explorer.words.colour_by, onchange: () => this.choose(this.picker.value) });
    this.legend = element("div", { class: "legend" });
  }

  /** Fill the list anew where the data offer something else than before. */
  update() {
    const key = JSON.stringify(FETCHED.map((kind) => this.explorer.data[kind]?.url));
    if (key === this.key) return;
    this.key = key;
    this.fill();
    this.set(this.by);
  }

  fill() {
    const { words, points, data } = this.explorer;
    const kinds = ["decision", "group", "cluster", "F", "d", ...(data.has_invalid ? ["invalid"] : []), "hardness"];
    const options = kinds.map((kind) => [kind, words[`by_${kind}`]]);
    for (const name of Object.keys(points.header.labels)) options.push([`label_${name}`, name]);
    if (data.stays) options.push(["stays", data.stays.label]);
    this.picker.replaceChildren(...options.map(([value, text]) => element("option", { value, text: `${words.colour_by} ${text}` })));
    this.picker.value = this.by;
  }

  /** The visitor's choice. Python explains how to get a hardness that is not there; the colours stay as they are. */
  choose(kind) {
    const { data, tell } = this.explorer;
    if (kind === "hardness" && !data.hardness) {
      tell("missing_colour", true);
      kind = this.by;
    }
    this.set(kind);
  }

  set(kind) {
    const { data, points, map } = this.explorer;
    if (FETCHED.includes(kind) && !data[kind]) kind = "decision";
    this.by = this.picker.value = kind;
    if (!points || !map) return;
    if (FETCHED.includes(kind) && this.fetched[kind]?.url !== data[kind].url) { this.fetch(kind); return; }
    map.setColours(this.colours(kind));
    this.explorer.root.dataset.colour = kind;
    this.showLegend();
  }

  /** (4n,) uint8 RGBA, or null for the decisions' own colours. */
  colours(kind) {
    const { points, scores, dark, limitControls } = this.explorer;
    if (kind === "hardness") return placeColours(this.fetched.hardness.hardness, this.fetched.hardness.knots, dark);
    if (kind === "stays") return scoreColours(this.fetched.stays.stays, 0, 1, dark);
    if (kind === "group") return categoryColours(points.group, dark);
    if (kind.startsWith("label_")) return categoryColours(points[kind], dark);
    if (kind === "decision" || !scores) return null;
    if (kind === "cluster") return categoryColours(scores.cluster, dark);
    const { low, high } = limitControls[{ F: "eta", d: "epsilon", invalid: "invalid" }[kind]].spec;
    return scoreColours(scores[kind], low, high, dark);
  }

  async fetch(kind) {
    const { explorer } = this, { url } = explorer.data[kind];
    try {
      const answer = await fetchPacked(new URL(url, document.baseURI));
      if (answer.header.n !== explorer.points.header.n) throw new Error("it is of other frames");
      this.fetched[kind] = { ...answer, url };
    } catch {
      explorer.say(explorer.words.load_failed);
      if (this.by === kind) this.set("decision");
      return;
    }
    if (this.by === kind) this.set(kind);
  }

  /** What the colour of one point says, as a number; '' where that is told otherwise. */
  said(row) {
    const { hardness } = this.by === "hardness" ? this.fetched.hardness ?? {} : {};
    if (!hardness) return "";
    const { words } = this.explorer, value = hardness[row];
    return value === value ? `${words.by_hardness} ${Number(value.toPrecision(3))}` : words.no_patch;
  }

  showLegend() {
    if (this.explorer.points) this.legend.replaceChildren(...legendEntries(this.explorer, this), ...this.explorer.pins.legendEntries());
  }
}
