// The why card's pictures: the removed frame and the kept one that stands for it, side by side, in turns (flicker) or
// as their difference, under one zoom. Names come as data and are set as text.
import { PairedViews } from "./paired_views.js";

const instances = new WeakMap();

export default function (component) {
  const { data, parentElement } = component;
  let card = instances.get(parentElement);
  if (!card) instances.set(parentElement, (card = new Card(parentElement.querySelector(".why"))));
  card.tell = component.setTriggerValue;
  card.show(data);
  return () => { card.stop(); instances.delete(parentElement); };
}

class Card extends PairedViews {
  constructor(root) {
    super(root.querySelector(".pictures"));
    this.root = root; this.mode = "side";
    this.buttons = [...root.querySelectorAll("[data-mode]")];
    for (const button of this.buttons) button.onclick = () => this.setMode(button.dataset.mode);
    this.listen();
  }

  show(data) {
    this.data = data;
    this.root.classList.toggle("dark", isDark(this.root));
    const pictures = [data.frame, data.partner].filter(Boolean);
    const key = JSON.stringify(pictures);
    for (const button of this.buttons) button.textContent = data.words[button.dataset.mode];
    this.root.querySelector(".modes").hidden = pictures.length < 2;
    this.stage.setAttribute("aria-label", data.words.pictures);
    this.root.querySelector(".keys").textContent = pictures.length < 2 ? data.words.keys_one : data.words.keys;
    if (key === this.key) return;
    this.key = key;
    this.zoom = 1; this.shift = [0, 0];
    this.stage.replaceChildren(...pictures.map((picture) => this.figure(picture)));
    this.setMode(pictures.length < 2 ? "side" : this.mode);
  }

  figure(picture) {
    const image = node("img", "");
    image.alt = picture.alt; image.draggable = false;
    const view = node("div", "view");
    view.style.backgroundImage = `url("${picture.thumbnail}")`;
    image.onload = () => { view.style.backgroundImage = "none"; };
    image.onerror = () => { view.classList.add("failed"); view.dataset.text = this.data.words.no_picture; };
    image.src = picture.url;
    view.append(image);
    const badge = node("span", "badge", `${picture.mark} ${picture.state}`);
    badge.style.setProperty("--light", picture.light);
    badge.style.setProperty("--dark", picture.dark);
    const caption = node("figcaption", "");
    caption.append(badge, node("b", "", picture.title), node("span", "sub", picture.sub));
    const figure = node("figure", "");
    figure.append(view, caption);
    return figure;
  }

  setMode(mode) {
    this.mode = mode;
    this.stage.dataset.mode = mode;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.turn(0);
    this.turning(mode === "flicker");
    this.place();
  }

  listen() {
    super.listen();
    this.root.addEventListener("keydown", (event) => {
      if (event.target.tagName === "BUTTON" && event.key === " ") return;
      if (event.key === " " && this.stage.children.length > 1) {
        if (this.mode !== "flicker") this.setMode("flicker");
        this.stop();
        this.turn(1 - this.front);
      } else if (event.key === "+" || event.key === "=") this.zoomAt(0.5, 0.5, 1.4);
      else if (event.key === "-") this.zoomAt(0.5, 0.5, 1 / 1.4);
      else if (event.key === "0") this.whole();
      else return;
      event.preventDefault();
    });
  }
}

function node(tag, name, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

function isDark(root) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const [red, green, blue] = pen.fillStyle.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
