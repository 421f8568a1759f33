// The blind audit: one frame beside a kept one, a question, three answers by key or button. Answers are kept here until
// Python says that they are on the trail, and in the tab, should it be loaded anew before; each has a key of its own, so
// that one sent twice counts once. Nothing comes here of what the machine decided, nor of what others marked, nor which
// frames these are: they are known by their place in the sample alone.

import pictures from "./why_card.js";

const VERDICTS = ["needed", "not_needed", "unsure"];
const KEYS = { y: "needed", 1: "needed", n: "not_needed", 2: "not_needed", t: "unsure", 3: "unsure" };
const instances = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  let audit = instances.get(parentElement);
  if (!audit) instances.set(parentElement, (audit = new Audit(parentElement)));
  audit.say = component.setStateValue;
  audit.take(component.data);
  return () => { audit.stop(); instances.delete(parentElement); };
}

class Audit {
  constructor(parent) {
    this.parent = parent;
    this.root = parent.querySelector(".blind");
    this.find = (name) => this.root.querySelector(name);
    this.about = ""; this.at = 0; this.unsaved = new Map(); this.own = new Map();
    this.buttons = VERDICTS.map((verdict) => {
      const button = this.find(`[data-verdict="${verdict}"]`);
      button.onclick = () => {
        this.mark(verdict);
        this.find(".pictures").focus({ preventScroll: true }); // else the space bar would answer for the next frame
      };
      return button;
    });
    this.find(".before").onclick = () => this.go(this.at - 1);
    this.find(".after").onclick = () => this.go(this.at + 1);
    this.find(".open").onclick = () => this.go(this.nextOpen(this.at));
    this.onKey = (event) => this.key(event);
    this.onPicture = () => this.offer();
    document.addEventListener("keydown", this.onKey);
  }

  stop() {
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.again);
    this.stopPictures?.();
  }

  take(data) {
    this.data = data;
    const another = data.about !== this.about;
    this.about = data.about;
    if (another) { this.own.clear(); this.unsaved = this.kept(); }
    for (const [at, one] of this.unsaved) if (data.saved.includes(one.key)) this.unsaved.delete(at);
    if (data.closed) this.unsaved.clear();
    data.marks.forEach((verdict, at) => { if (verdict) this.own.set(at, verdict); });
    for (const one of this.unsaved.values()) this.own.set(one.at, one.verdict);
    if (another) {
      this.at = Math.max(0, this.nextOpen(-1));
      if (this.unsaved.size) this.send();
    }
    this.keep();
    this.draw();
    clearTimeout(this.again);
    if (this.unsaved.size && !data.error) this.again = setTimeout(() => this.send(), 4000); // it may have been lost
  }

  mark(verdict) {
    const { at } = this;
    if (!this.mayAnswer(verdict)) return;
    this.own.set(at, verdict);
    this.unsaved.set(at, { at, verdict, key: crypto.getRandomValues(new Uint32Array(4)).join("-") });
    this.keep();
    this.send();
    const next = this.nextOpen(this.at);
    this.go(next >= 0 ? next : this.at);
  }

  send() {
    this.sent = (this.sent ?? 0) + 1;
    this.say("marks", { about: this.about, sent: this.sent, marks: [...this.unsaved.values()] });
  }

  /** What was not saved when this tab was left. */
  kept() {
    try {
      const known = JSON.parse(sessionStorage.getItem(`dataeff-blind-${this.about}`) ?? "[]");
      return new Map(known.filter((one) => one.at in this.data.beside && VERDICTS.includes(one.verdict)).map((one) => [one.at, one]));
    } catch {
      return new Map();
    }
  }

  keep() {
    try {
      const name = `dataeff-blind-${this.about}`;
      if (this.unsaved.size) sessionStorage.setItem(name, JSON.stringify([...this.unsaved.values()]));
      else sessionStorage.removeItem(name);
    } catch {
      // the browser keeps nothing: then what is not saved yet is lost with the page
    }
  }

  /** The next frame after `at` without an answer, round the end; -1 for none. */
  nextOpen(at) {
    const all = this.data.beside.length;
    for (let step = 1; step <= all; step++) {
      const one = (at + step + all) % all;
      if (!this.own.has(one)) return one;
    }
    return -1;
  }

  go(at) {
    this.at = Math.max(0, Math.min(this.data.beside.length - 1, at));
    this.draw();
  }

  key(event) {
    const from = event.composedPath()[0];
    const ours = this.root.contains(from) || from === document.body;
    if (!ours || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const verdict = KEYS[event.key.toLowerCase()];
    if (verdict) this.mark(verdict);
    else if (event.key === " " && from === document.body) {
      this.find(".pictures").dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }));
    } else if (event.key === "ArrowLeft") this.go(this.at - 1);
    else if (event.key === "ArrowRight") this.go(this.at + 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  draw() {
    const { data, at } = this, { words, beside } = data, all = beside.length, done = this.own.size;
    this.find(".place").textContent = fill(words.place, at + 1, all);
    this.find(".done").textContent = done === all ? words.all_done : fill(words.done, done, all);
    this.find(".bar").setAttribute("aria-label", this.find(".done").textContent);
    this.find(".bar span").style.width = `${(100 * done) / all}%`;
    this.find(".question").textContent = beside[at] ? words.question : words.question_alone;
    this.find(".hint").textContent = data.closed ? words.closed : words.hint;
    this.find(".before").disabled = at === 0;
    this.find(".after").disabled = at === all - 1;
    this.find(".before").setAttribute("aria-label", words.before);
    this.find(".after").setAttribute("aria-label", words.after);
    const open = this.find(".open");
    open.textContent = words.open;
    open.hidden = done === all || !this.own.has(at);
    const own = this.own.get(at);
    for (const button of this.buttons) {
      const verdict = button.dataset.verdict;
      button.querySelector(".answer").textContent = words[verdict];
      button.setAttribute("aria-pressed", String(own === verdict));
    }
    const trouble = this.find(".trouble");
    const waiting = this.unsaved.size;
    trouble.textContent = data.error || (waiting ? fill(words.unsaved, waiting) : "");
    trouble.classList.toggle("error", Boolean(data.error));
    this.drawPictures();
    this.offer();
    this.preload();
  }

  /** Nobody judges what he has not been shown: no answer before both pictures are there, and where one cannot be shown,
   *  only that he cannot tell. */
  mayAnswer(verdict) {
    const images = [...this.find(".pictures").querySelectorAll("img")];
    if (this.data.closed || !images.length || images.some((one) => !one.complete)) return false;
    return verdict === "unsure" || images.every((one) => one.naturalWidth > 0);
  }

  offer() {
    for (const button of this.buttons) button.disabled = !this.mayAnswer(button.dataset.verdict);
    for (const image of this.find(".pictures").querySelectorAll("img")) {
      image.addEventListener("load", this.onPicture);
      image.addEventListener("error", this.onPicture);
    }
  }

  drawPictures() {
    const { words, beside } = this.data, { at } = this;
    const data = { frame: this.picture("left", words.judged), partner: beside[at] ? this.picture("right", words.beside) : null, words };
    this.stopPictures = pictures({ data, parentElement: this.parent, setTriggerValue: () => {} });
  }

  picture(side, state) {
    const title = side === "left" ? fill(this.data.words.frame, this.at + 1) : "";
    return {
      url: address(this.data.original, this.at, side), thumbnail: address(this.data.thumbnail, this.at, side),
      title, sub: "", state, mark: "", light: "inherit", dark: "inherit", alt: title ? `${state}: ${title}` : state,
    };
  }

  /** The next two, so that they are there when their turn comes. */
  preload() {
    const next = [this.at + 1, this.at + 2].filter((at) => at in this.data.beside);
    this.ahead = next.flatMap((at) => (this.data.beside[at] ? ["left", "right"] : ["left"]).map((side) => {
      const image = new Image();
      image.src = address(this.data.original, at, side);
      return image;
    }));
  }
}

function address(pattern, at, side) {
  return pattern.replace("{at}", at).replace("{side}", side);
}

function fill(text, ...values) {
  return values.reduce((so_far, value) => so_far.replace("{}", value.toLocaleString("en").replaceAll(",", "\u202f")), text);
}
