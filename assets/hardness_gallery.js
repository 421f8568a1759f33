// The three bands as pictures, each beginning at its margin; pages are turned here, and all follow the margins.
import { element } from "./explorer_limits.js";
import { number } from "./explorer_text.js";
import { short } from "./hardness_numbers.js";
import { outlined, spoken, Viewer } from "./hardness_look.js";

const A_PAGE = 6;
const BANDS = ["too_easy", "useful", "suspicious"];

export class Gallery {
  /** `fetch(places)` and `fetchChosen(skip, most)` resolve to examples as the server tells them. */
  constructor(data, fetchers) {
    Object.assign(this, { words: data.words, fetchers, columns: {}, pages: {}, onlyChosen: false });
    this.viewer = new Viewer(data.words);
    this.root = element("div", { class: "galleries" });
    for (const band of data.bands.filter(({ name }) => BANDS.includes(name))) this.addColumn(band);
    this.root.append(this.viewer.root);
  }

  addColumn({ name, title, sentence }) {
    const { words } = this, turn = (text, by, label) => element("button", { type: "button", class: "turn", text, "aria-label": `${label}: ${title}`, title: label, onclick: () => this.turn(name, by) });
    const column = {
      tally: element("span", { class: "soft tally" }), place: element("span", { class: "soft of" }), tiles: element("div", { class: "tiles" }),
      before: turn("\u2039", -1, words.before), next: turn("\u203a", 1, words.next),
    };
    if (name === "useful") {
      column.only = element("input", { type: "checkbox", onchange: () => { this.onlyChosen = column.only.checked; this.pages.useful = 0; this.fill("useful"); } });
      column.onlyBox = element("label", { class: "soft only", hidden: true }, column.only, words.only_chosen);
    }
    this.columns[name] = column;
    this.root.append(element("section", { class: `band ${name}`, "aria-label": title },
      element("div", { class: "head" }, element("canvas", { class: "swatch", width: 36, height: 36, "aria-hidden": "true" }), element("h4", { text: title, title: sentence }), column.tally,
        element("span", { class: "spring" }), column.before, column.place, column.next),
      element("p", { class: "soft", text: sentence }), ...(column.onlyBox ? [column.onlyBox] : []), column.tiles));
  }

  /** Follow the margins: `band` {start, stop} of `numbers`; `chosen`: how many are chosen, null where Python has not
   *  followed yet; `limited`: whether that is fewer than are useful; `source`: where the server's answers are from. */
  show(numbers, band, { limited, chosen, source }) {
    Object.assign(this, { numbers, band, chosen, source });
    const { only, onlyBox } = this.columns.useful;
    onlyBox.hidden = !limited;
    if (!limited) this.onlyChosen = only.checked = false;
    for (const name of BANDS) {
      const begins = `${name === "too_easy" ? band.start : band.stop}/${numbers.m}`;
      if (this.columns[name].begins !== begins) { this.columns[name].begins = begins; this.pages[name] = 0; }
      this.fill(name);
    }
  }

  /** How many there are to show of a band, and which places page `page` holds. */
  places(name) {
    const { band: { start, stop }, numbers } = this, skip = this.pages[name] * A_PAGE;
    const length = name === "too_easy" ? start : name === "useful" ? stop - start : numbers.m - stop;
    const first = name === "too_easy" ? start - 1 : name === "useful" ? stop - 1 : stop, by = name === "suspicious" ? 1 : -1;
    return { length, list: Array.from({ length: Math.max(0, Math.min(A_PAGE, length - skip)) }, (_, at) => first + by * (skip + at)) };
  }

  turn(name, by) {
    this.pages[name] = Math.max(0, this.pages[name] + by);
    this.fill(name);
  }

  async fill(name) {
    const column = this.columns[name], chosen = name === "useful" && this.onlyChosen;
    let { length, list } = this.places(name);
    if (chosen) length = this.chosen ?? 0;
    const last = Math.max(0, Math.ceil(length / A_PAGE) - 1), page = (this.pages[name] = Math.min(this.pages[name] ?? 0, last));
    column.tally.textContent = number(length);
    column.place.textContent = length ? `${number(page + 1)} / ${number(last + 1)}` : "";
    column.before.disabled = page === 0;
    column.next.disabled = page >= last;
    const asked = `${chosen ? `chosen/${page}/${length}` : list.join()} ${this.source}`;
    if (asked === column.asked) return;
    column.asked = asked;
    if (!length) { column.tiles.replaceChildren(element("p", { class: "soft", text: chosen && this.chosen === null ? "\u2026" : this.words.none_here })); return; }
    try {
      const found = chosen ? await this.fetchers.chosen(page * A_PAGE, A_PAGE) : await this.fetchers.places(list);
      if (column.asked !== asked) return;
      column.tiles.replaceChildren(...found.map((one, at) => this.tile(name, found, one, at)));
    } catch (error) {
      if (error.name === "AbortError" || column.asked !== asked) return;
      column.asked = "";
      column.tiles.replaceChildren(element("p", { class: "soft", text: this.words.failed }));
    }
  }

  tile(name, found, one, at) {
    return element("button", {
      type: "button", class: "tile", "aria-label": spoken(one, this.words), title: spoken(one, this.words),
      onclick: () => this.viewer.open(found, at, () => `var(--${name})`),
    }, outlined(one), element("span", { class: "name", text: one.name }), element("span", { class: "soft", text: short(one.hardness) }));
  }
}
