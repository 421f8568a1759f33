// Some of the training images as they will be: each cell is cut by the server as training cuts it. A cell tells which
// frame its patch is of when it is pointed at, and shows it there.
import { element } from "./explorer_limits.js";
import { luminance } from "./explorer_colours.js";
import { outlined, spoken, Viewer } from "./hardness_look.js";
import { short } from "./hardness_numbers.js";

const RAMP = { light: ["#9DC3E6", "#0072B2"], dark: ["#2B5F86", "#8FD0F8"] }; // easiest to hardest of a mosaic
const instances = new WeakMap();

/** Called by Streamlit for the first drawing and again whenever Python's data or the theme changes. */
export async function mount(component) {
  const { parentElement: parent, data } = component;
  let sheet = instances.get(parent);
  if (!sheet) {
    sheet = new Sheet(parent, data);
    instances.set(parent, sheet);
    sheet.built = sheet.build();
  }
  await sheet.built; // data may change while it is being built
  sheet.update(data);
  return () => instances.delete(parent);
}

class Sheet {
  constructor(parent, data) { Object.assign(this, { parent, data, words: data.words }); }

  async build() {
    const style = element("link", { rel: "stylesheet", href: new URL("hardness.css", import.meta.url).href });
    const loaded = new Promise((done) => { style.onload = done; style.onerror = done; });
    this.root = element("div", { class: "hardness mosaics", "data-state": "loading" });
    this.parent.append(style, this.root);
    await loaded;
    this.viewer = new Viewer(this.words);
    this.list = element("div", { class: "sheet" });
    this.tip = element("div", { class: "celltip", role: "status", hidden: true });
    this.root.append(this.list, this.tip, this.viewer.root);
  }

  update(data) {
    this.data = data;
    const style = getComputedStyle(this.root), paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    this.dark = luminance(paper) < 0.5;
    this.root.classList.toggle("dark", this.dark);
    const key = JSON.stringify([data.mosaics, data.cell, this.dark]);
    if (key !== this.key) {
      this.key = key;
      this.tip.hidden = true;
      this.list.replaceChildren(...data.mosaics.map((mosaic) => this.mosaic(mosaic)));
    }
    this.root.dataset.state = "ready";
  }

  mosaic({ number, cells }) {
    const { data, words } = this, title = words.mosaic.replace("{n}", String(number + 1));
    const parts = cells.map((one, at) => {
      const told = `${this.band(one)}, ${spoken(one, words)}`;
      const picture = element("img", { src: data.cell.replace("{row}", one.row), alt: "", loading: "lazy", draggable: "false" });
      picture.addEventListener("error", () => picture.replaceWith(element("span", { class: "missing", text: one.name })));
      const cell = element("button", {
        type: "button", class: "cell", "aria-label": told, style: `--band: ${this.colour(one)}`,
        onclick: () => this.viewer.open(cells.map((each) => ({ ...each, told: this.band(each) })), at, (each) => this.colour(each)),
      }, picture);
      for (const name of ["pointerenter", "focus"]) cell.addEventListener(name, () => this.point(cell, one));
      for (const name of ["pointerleave", "blur"]) cell.addEventListener(name, () => { this.tip.hidden = true; });
      return cell;
    });
    return element("figure", {}, element("div", { class: "mosaic", role: "group", "aria-label": title, style: `grid-template-columns: repeat(${data.grid}, 1fr); aspect-ratio: ${data.width} / ${data.height}` }, ...parts),
      element("figcaption", { class: "soft", text: title }));
  }

  point(cell, one) {
    const { words } = this;
    this.tip.style.setProperty("--band", this.colour(one));
    this.tip.replaceChildren(outlined(one), element("b", { text: one.name }), element("span", { text: this.band(one) }),
      element("span", { class: "soft", text: `${words.axis} ${short(one.hardness)}${one.group ? ` \u00b7 ${one.group}` : ""}` }));
    this.tip.hidden = false;
    const box = cell.getBoundingClientRect(), home = this.root.getBoundingClientRect(), wide = this.tip.offsetWidth;
    const right = box.right - home.left + 8, left = box.left - home.left - wide - 8;
    this.tip.style.left = `${right + wide < home.width ? right : Math.max(0, left)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(home.height - this.tip.offsetHeight, box.top - home.top))}px`;
  }

  /** 'band 4 of 4, the hardest'. */
  band({ band }) {
    const { words, data } = this, last = data.grid ** 2;
    const which = last === 1 ? "" : band === 0 ? words.easiest : band === last - 1 ? words.hardest : "";
    return words.band.replace("{n}", String(band + 1)).replace("{all}", String(last)) + (which ? `, ${which}` : "");
  }

  colour({ band }) {
    const [low, high] = RAMP[this.dark ? "dark" : "light"], last = Math.max(1, this.data.grid ** 2 - 1);
    return `color-mix(in srgb, ${high} ${Math.round((100 * band) / last)}%, ${low})`;
  }
}
