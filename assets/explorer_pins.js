// Reviewers' decisions as rings around points; what a point itself shows is what the limits alone decide.
import { KEPT, fetchPacked } from "./explorer_data.js";
import { element } from "./explorer_limits.js";
import { number } from "./explorer_text.js";

const KEEP = 1, AGREED = 3; // as pins_shown.py has them; all others are drops
const MARKS = { keep: "\u25EF", drop: "\u25A2" };

export class Pins {
  /** `explorer` has data, words, points, codes, map, root, say, colour and colouring. */
  constructor(explorer) {
    this.explorer = explorer;
    this.clear();
  }

  clear() { this.url = ""; this.rows = new Uint32Array(0); this.codes = new Uint8Array(0); }

  /** Fetch them where somebody has decided since. */
  async update() {
    const { explorer } = this, url = explorer.data.pins ?? "";
    if (url === this.url) return;
    this.url = url;
    try {
      const { header, rows, codes } = url ? await fetchPacked(new URL(url, document.baseURI)) : { header: null, rows: new Uint32Array(0), codes: new Uint8Array(0) };
      if (url !== this.url || (header && header.n !== explorer.points?.header.n)) return; // meanwhile others are wanted
      Object.assign(this, { rows, codes });
    } catch {
      explorer.say(explorer.words.load_failed);
      return;
    }
    this.show();
    explorer.colouring.showLegend();
  }

  /** Hand the map what is to be ringed. A drop that only agreed with a removal says nothing of a frame that is kept. */
  show() {
    const { map, codes, root } = this.explorer, shown = { keep: [], drop: [] };
    this.rows.forEach((row, i) => {
      if (this.codes[i] === KEEP) shown.keep.push(row);
      else if (this.codes[i] !== AGREED || codes[row] !== KEPT) shown.drop.push(row);
    });
    this.counts = { keep: shown.keep.length, drop: shown.drop.length };
    root.dataset.pinned = JSON.stringify(this.counts);
    map?.setRings(Uint32Array.from(shown.keep), Uint32Array.from(shown.drop));
  }

  /** What a reviewer said of this frame, in words; '' for nothing. */
  said(row) {
    const at = this.rows.indexOf(row), { words, codes } = this.explorer;
    if (at < 0 || (this.codes[at] === AGREED && codes[row] === KEPT)) return "";
    return words[this.codes[at] === KEEP ? "pin_keep" : "pin_drop"];
  }

  legendEntries() {
    const { words, data, colour } = this.explorer, reason = data.reasons.find(({ code }) => code === 5);
    return Object.entries(this.counts ?? {}).filter(([, count]) => count).map(([kind, count]) => element("span",
      { class: "key", style: `--chip: ${colour.call(this.explorer, reason)}` }, element("i", { text: MARKS[kind] }), `${words[`pin_${kind}`]} (${number(count)})`));
  }
}
