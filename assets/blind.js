// The blind audit: one frame beside a kept one, a question, three answers by key or button. Answers are kept here until
// Python says that they are on the trail, and in the tab, should it be loaded anew before; each has a key of its own, so
// that one sent twice counts once. Nothing comes here of what the machine decided, nor of what others marked. Names come
// as data and are set as text.

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
    for (const [id, one] of this.unsaved) if (data.saved.includes(one.key)) this.unsaved.delete(id);
    for (const [id, verdict] of Object.entries(data.marks)) this.own.set(id, verdict);
    for (const one of this.unsaved.values()) this.own.set(one.id, one.verdict);
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
    const item = this.data.items[this.at];
    if (!item) return;
    this.own.set(item.id, verdict);
    this.unsaved.set(item.id, { id: item.id, verdict, key: crypto.getRandomValues(new Uint32Array(4)).join("-") });
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
      const ids = new Set(this.data.items.map((one) => one.id));
      const known = JSON.parse(sessionStorage.getItem(`dataeff-blind-${this.about}`) ?? "[]");
      return new Map(known.filter((one) => ids.has(one.id) && VERDICTS.includes(one.verdict)).map((one) => [one.id, one]));
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
    const { items } = this.data;
    for (let step = 1; step <= items.length; step++) {
      const one = (at + step + items.length) % items.length;
      if (!this.own.has(items[one].id)) return one;
    }
    return -1;
  }

  go(at) {
    this.at = Math.max(0, Math.min(this.data.items.length - 1, at));
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
    const { data } = this, { words, items } = data, item = items[this.at];
    if (!item) return;
    const done = items.filter((one) => this.own.has(one.id)).length;
    this.find(".place").textContent = fill(words.place, this.at + 1, items.length);
    this.find(".done").textContent = done === items.length ? words.all_done : fill(words.done, done, items.length);
    this.find(".bar").setAttribute("aria-label", this.find(".done").textContent);
    this.find(".bar span").style.width = `${(100 * done) / items.length}%`;
    this.find(".question").textContent = item.beside ? words.question : words.question_alone;
    this.find(".hint").textContent = words.hint;
    this.find(".before").disabled = this.at === 0;
    this.find(".after").disabled = this.at === items.length - 1;
    this.find(".before").setAttribute("aria-label", words.before);
    this.find(".after").setAttribute("aria-label", words.after);
    const open = this.find(".open");
    open.textContent = words.open;
    open.hidden = done === items.length || !this.own.has(item.id);
    const own = this.own.get(item.id);
    for (const button of this.buttons) {
      const verdict = button.dataset.verdict;
      button.querySelector(".answer").textContent = words[verdict];
      button.setAttribute("aria-pressed", String(own === verdict));
    }
    const trouble = this.find(".trouble");
    const waiting = this.unsaved.size;
    trouble.textContent = data.error || (waiting ? fill(words.unsaved, waiting) : "");
    trouble.classList.toggle("error", Boolean(data.error));
    this.drawPictures(item);
    this.preload();
  }

  drawPictures(item) {
    const { words } = this.data;
    const data = { frame: this.picture(item, words.judged), partner: item.beside ? this.picture(item.beside, words.beside) : null, words };
    this.stopPictures = pictures({ data, parentElement: this.parent, setTriggerValue: () => {} });
  }

  picture(one, state) {
    return {
      url: this.data.original.replace("{id}", one.id), thumbnail: this.data.thumbnail.replace("{id}", one.id),
      title: one.title, sub: one.sub, state, mark: "", light: "inherit", dark: "inherit", alt: `${state}: ${one.title}, ${one.sub}`,
    };
  }

  /** The next two, so that they are there when their turn comes. */
  preload() {
    this.ahead = [1, 2].flatMap((step) => {
      const item = this.data.items[this.at + step];
      return item ? [item, item.beside].filter(Boolean) : [];
    }).map((one) => {
      const image = new Image();
      image.src = this.data.original.replace("{id}", one.id);
      return image;
    });
  }
}

function fill(text, ...values) {
  return values.reduce((so_far, value) => so_far.replace("{}", value.toLocaleString("en").replaceAll(",", "\u202f")), text);
}
