// A patch outlined in its frame: small in a gallery, large in a dialog. Names are set as text.
import { element } from "./explorer_limits.js";
import { short } from "./hardness_numbers.js";

/** `one`: {thumbnail, original, box: [top, left, bottom, right] as shares of the frame, ratio: width by height}. */
export function outlined(one, { large = false } = {}) {
  const [top, left, bottom, right] = one.box.map((share) => `${100 * share}%`);
  const outline = element("i", { class: "outline", style: `top: ${top}; left: ${left}; height: calc(${bottom} - ${top}); width: calc(${right} - ${left})` });
  const picture = element("img", { src: large ? one.original : one.thumbnail, alt: "", loading: "lazy", draggable: "false" });
  const frame = element("span", { class: "outlined", style: `aspect-ratio: ${one.ratio}` }, picture, outline);
  picture.addEventListener("error", () => {
    if (large && picture.src !== new URL(one.thumbnail, document.baseURI).href) picture.src = one.thumbnail;
    else picture.replaceWith(element("span", { class: "missing", text: one.name }));
  });
  return frame;
}

/** What to say of a patch in one line. */
export function spoken(one, words) {
  return [`${words.axis} ${short(one.hardness)}`, one.name, one.group].filter(Boolean).join(" \u00b7 ");
}

/** A dialog that shows one patch in its frame at full size; arrow keys go on to the next of `list`. */
export class Viewer {
  constructor(words) {
    this.words = words;
    this.title = element("h4");
    this.stage = element("div", { class: "stage" });
    this.facts = element("p", { class: "soft" });
    const turn = (text, by, label) => element("button", { type: "button", text, "aria-label": label, title: label, onclick: () => this.turn(by) });
    this.root = element("dialog", { class: "viewer", "aria-label": words.enlarged },
      element("div", { class: "head" }, this.title, turn("\u2039", -1, words.before), turn("\u203a", 1, words.next),
        element("button", { type: "button", text: "\u2715", "aria-label": words.close, title: words.close, onclick: () => this.root.close() })),
      this.stage, this.facts);
    this.root.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); this.turn(by); }
      event.stopPropagation();
    });
    this.root.addEventListener("click", (event) => { if (event.target === this.root) this.root.close(); });
  }

  open(list, at, colour) {
    Object.assign(this, { list, at, colour });
    this.show();
    if (!this.root.open) this.root.showModal();
  }

  turn(by) {
    this.at = (this.at + by + this.list.length) % this.list.length;
    this.show();
  }

  show() {
    const one = this.list[this.at];
    this.root.style.setProperty("--band", this.colour(one));
    this.title.textContent = one.name;
    this.stage.replaceChildren(outlined(one, { large: true }));
    this.facts.textContent = [one.told, `${this.words.axis} ${short(one.hardness)}`, one.group, `${one.size[1]} \u00d7 ${one.size[0]} ${this.words.pixels}`].filter(Boolean).join(" \u00b7 ");
  }
}
