// The reviewer: one removed frame after another beside the kept one that stands for it, decided with one key each.
// Keys act here, at once; Python hears of the decisions and acknowledges each. All words come from Python; frames and
// what others have decided come over HTTP. Whatever people or files are named is set as text.
import { element } from "./explorer_limits.js";
import { act } from "./reviewer_keys.js";
import { Line } from "./reviewer_line.js";
import { Outbox, freshKey } from "./reviewer_outbox.js";
import { Panel } from "./reviewer_panel.js";
import { Pictures, Shelf } from "./reviewer_pictures.js";

const AHEAD = 5, SMALL_AHEAD = 12, ASK_MS = 10_000, LATE_MS = 10_000;
const instances = new WeakMap();

/** Called by Streamlit for the first drawing and again whenever Python's data or the theme changes; the calls may come
 * in another order than Python drew. */
export async function mount(component) {
  const { parentElement: parent, data } = component;
  let reviewer = instances.get(parent);
  if (!reviewer) {
    reviewer = new Reviewer(parent, data);
    instances.set(parent, reviewer);
    reviewer.built = reviewer.build();
  }
  const late = reviewer.data.drawn - data.drawn;
  if (!(late > 0 && late < LATE_MS)) {
    reviewer.data = data;
    reviewer.tell = component.setStateValue;
  }
  await reviewer.built;
  await reviewer.update(reviewer.data);
  return () => { reviewer.destroy(); instances.delete(parent); };
}

class Reviewer {
  constructor(parent, data) {
    this.parent = parent; this.data = data; this.words = data.words; this.at = -1; this.history = []; this.errors = new Map(); this.settling = new Set();
    this.line = new Line(() => this.draw());
    this.shelf = new Shelf();
    this.outbox = new Outbox((list) => this.tell("pending", list));
    this.tell = () => {};
  }

  async build() {
    const { words } = this, style = element("link", { rel: "stylesheet", href: new URL("reviewer.css", import.meta.url).href });
    const loaded = new Promise((done) => { style.onload = done; style.onerror = done; });
    this.pictures = new Pictures(words, this.shelf);
    this.panel = new Panel(words, this.data.reasons, (name, reason) => this.act(name, reason));
    const step = (text, label, by, key) => element("button", { type: "button", class: "ghost", text, title: `${label} (${key})`, "aria-label": label, onclick: () => this.step(by) });
    this.progress = element("div", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-label": words.progress_label }, element("i"));
    this.count = element("b", { class: "count" });
    this.tally = element("span", { class: "soft" });
    this.place = element("span", { class: "soft place" });
    this.state = element("span", { class: "state", role: "status" });
    this.again = element("button", { type: "button", class: "link", text: words.reload, hidden: true, onclick: () => this.reload() });
    this.alerts = element("div", { class: "alerts", role: "alert" });
    this.sentence = element("p", { class: "sentence", "aria-live": "polite" });
    this.decided = element("p", { class: "decided", hidden: true });
    this.close = element("div", { class: "close" });
    this.numbers = element("details", { class: "numbers" }, element("summary", { text: words.numbers }), element("dl"));
    this.root = element("div", { class: "reviewer", tabindex: -1, "data-state": "loading" },
      element("div", { class: "top" }, this.count, this.progress, this.tally, element("span", { class: "spring" }), this.state, this.again),
      this.alerts,
      element("div", { class: "main" },
        element("div", { class: "left" }, this.pictures.stage,
          element("div", { class: "bar" }, this.pictures.tools, element("span", { class: "spring" }), this.place,
            step("‹", words.previous, -1, "←"), step("›", words.next, 1, "→"),
            element("button", { type: "button", class: "ghost", text: words.open, onclick: () => this.open(this.at) })),
          this.decided, this.sentence, this.close, this.numbers),
        this.panel.root));
    this.parts = [style, this.root];
    this.parent.append(...this.parts);
    await loaded;
    this.onKey = (event) => act(this, event);
    this.onLeave = (event) => { if (this.outbox.size && !this.leaving) event.preventDefault(); };
    this.onShow = () => { if (!document.hidden) this.refresh(); };
    this.root.addEventListener("click", (event) => { // a mouse leaves no button behind that space would press again
      if (event.detail && event.target.closest("button")) this.root.focus({ preventScroll: true });
    });
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("beforeunload", this.onLeave);
    document.addEventListener("visibilitychange", this.onShow);
    this.asking = setInterval(() => { if (!document.hidden) this.refresh(); }, ASK_MS);
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("beforeunload", this.onLeave);
    document.removeEventListener("visibilitychange", this.onShow);
    clearInterval(this.asking);
    this.pictures.stop();
    this.outbox.stop();
    for (const part of this.parts) part.remove();
  }

  /** Load the page anew; decisions that wait are kept by the tab. */
  reload() {
    this.leaving = this.outbox.kept;
    location.reload();
  }

  /** Take over what Python says now: its answers, who reviews, and on the first time where to begin. */
  async update(data) {
    const first = this.at < 0 || data.about !== this.line.about;
    this.data = data;
    this.line.setData(data);
    this.root.classList.toggle("dark", isDark(this.root));
    this.panel.allow(data.may && Boolean(data.reviewer));
    const barred = !data.may ? this.words.not_allowed : data.reviewer ? "" : this.words.name_first;
    if (barred !== this.barred) this.panel.say((this.barred = barred));
    for (const wish of this.outbox.belongTo(data.about, data.reviewer)) this.believe(wish);
    const { saved, failed } = this.outbox.answered(data.answers ?? {});
    for (const { wish, why } of failed) this.fail(wish, why);
    for (const { frame } of saved) this.settling.add(frame);
    if (first) {
      this.line.want(data.start);
      await this.refresh();
      this.go(data.start);
      this.root.dataset.state = "ready";
      if (document.activeElement === document.body) this.root.focus({ preventScroll: true });
    } else if (saved.length || data.last > this.line.last) await this.refresh();
    this.draw();
  }

  /** What others have decided; and what the server now has of ours is no longer told from memory. */
  async refresh() {
    const settling = [...this.settling];
    if (await this.line.refresh()) {
      for (const frame of settling) {
        if (this.outbox.about(frame)) continue; // a later decision on it is still under way
        this.line.settle(frame);
        this.settling.delete(frame);
      }
    }
    this.draw();
  }

  step(by) { this.go((this.at + by + this.data.n) % this.data.n); }

  open(from) {
    const next = this.line.nextOpen(from);
    if (next >= 0) this.go(next);
    else this.draw();
  }

  go(at) {
    this.at = at;
    this.line.want(at);
    this.root.dataset.at = String(at);
    this.draw();
  }

  act(name, reason = "") {
    const { data, words } = this, item = this.line.item(this.at);
    if (this.barred) { this.panel.say(this.barred); return; }
    this.panel.say("");
    if (name === "undo") { this.undo(item); return; }
    if (!item || !this.pictures.seen) { this.panel.say(words.wait); return; }
    const wish = { key: freshKey(), action: name, frame: item.id, at: this.at, reason, why: this.panel.takeWhy(), by: data.reviewer };
    this.history.push({ ...wish, before: this.line.mark(item.id) ?? null });
    this.errors.delete(item.id);
    this.believe(wish);
    this.outbox.add(wish);
    this.open(this.at);
  }

  /** Take back what this reviewer decided on the frame shown, else his last decision of this visit. */
  undo(item) {
    const { words, data } = this, mine = (mark) => mark && !mark.rule && mark.by === data.reviewer;
    const here = item && this.line.mark(item.id);
    let wish = null;
    if (mine(here)) wish = { frame: item.id, at: this.at, of: here.key };
    while (!wish && this.history.length) {
      const last = this.history.pop(), mark = this.line.mark(last.frame);
      if (mine(mark) && mark.key === `${last.key}:${last.frame}`) wish = { frame: last.frame, at: last.at, of: mark.key };
    }
    if (!wish) { this.panel.say(here && !here.rule ? fill(words.of_another, { by: here.by }) : words.nothing_to_undo); return; }
    const known = this.history.findLast((one) => `${one.key}:${one.frame}` === wish.of);
    this.history = this.history.filter((one) => one !== known);
    wish = { key: freshKey(), action: "undo", ...wish, by: data.reviewer };
    this.line.decide(wish.frame, wish.at, known?.before ?? null);
    this.outbox.add(wish);
    this.go(wish.at);
    this.panel.say(words.taken_back);
  }

  /** Show a decision as taken before the server has said so. */
  believe({ action, frame, at, key, reason, why, by }) {
    if (action === "undo") { this.line.decide(frame, at, null); return; }
    const listed = this.data.reasons.find((one) => one.code === reason && one.action === action)?.text;
    this.line.decide(frame, at, { at, action, by, rule: false, seen: true, when: "", because: [listed, why].filter(Boolean).join("; "), key: `${key}:${frame}` });
  }

  fail(wish, why) {
    if (!this.outbox.about(wish.frame)) this.line.settle(wish.frame);
    this.history = this.history.filter((one) => one.key !== wish.key);
    this.errors.set(wish.frame, { at: wish.at, why });
  }

  preload() {
    const soon = [], later = [];
    let open = this.at;
    const add = (at, list) => {
      const item = this.line.item(at);
      if (!item) return;
      for (const one of [item, item.partner]) if (one) list.push(this.url("thumbnail", one), this.url("original", one));
    };
    for (let ahead = 0; ahead < SMALL_AHEAD; ahead += 1) {
      open = this.line.nextOpen(open);
      if (open < 0) break;
      this.line.want(open);
      if (ahead < AHEAD) add(open, soon);
      else { const item = this.line.item(open); if (item) for (const one of [item, item.partner]) if (one) later.push(this.url("thumbnail", one)); }
    }
    for (const by of [1, -1]) add(this.at + by, soon);
    const small = soon.filter((_, index) => index % 2 === 0), full = soon.filter((_, index) => index % 2 === 1);
    this.shelf.want([...new Set([...small, ...later, ...full])]);
  }

  url(kind, picture) {
    return new URL(this.data[kind].replace("{key}", picture.key).replace("{id}", picture.id), document.baseURI).href;
  }

  draw() {
    if (this.at < 0) return;
    this.drawTop();
    const item = this.line.item(this.at), gone = item && this.standInGone(item), known = item && `${item.id}-${Boolean(item.partner)}-${gone}`;
    this.root.dataset.frame = item?.id ?? "";
    if (!item) { this.sentence.textContent = this.words.loading; return; }
    this.pictures.show(this.picture(item, false), item.partner ? this.picture(item.partner, true) : this.words.no_partner);
    this.drawDecided(item);
    if (this.drawn === known) return;
    this.drawn = known;
    this.sentence.textContent = gone ? fill(this.words.stand_in_gone, { by: gone }) : item.sentence;
    this.drawClose(item);
    this.numbers.hidden = !item.numbers.length;
    this.numbers.lastElementChild.replaceChildren(...item.numbers.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]));
    setTimeout(() => this.preload()); // once this one is painted
  }

  drawTop() {
    const { words, data } = this, { kept, agreed, done } = this.line.tally(), waiting = this.outbox.size;
    this.count.textContent = fill(words.progress, { done: number(done), all: number(data.n) });
    this.progress.setAttribute("aria-valuemax", data.n);
    this.progress.setAttribute("aria-valuenow", done);
    this.progress.firstElementChild.style.width = `${(100 * done) / data.n}%`;
    const told = done ? fill(words.tally, { kept: number(kept), agreed: number(agreed) }) : "";
    this.tally.textContent = done >= data.n ? `${told}. ${words.all_done}` : told;
    this.place.textContent = fill(words.line, { at: number(this.at + 1) });
    this.again.hidden = !this.line.refused;
    this.state.textContent = this.line.refused ? words.refused : this.line.lost ? words.lost : waiting ? fill(words.unsaved, { n: number(waiting) }) : done ? words.saved : "";
    this.state.classList.toggle("waiting", Boolean(waiting) || this.line.lost);
    this.root.dataset.waiting = String(waiting);
    this.root.dataset.open = String(data.n - done);
    this.alerts.replaceChildren(...[...this.errors].slice(-3).map(([id, { at, why }]) => element("p", {},
      element("span", { text: fill(words.failed, { frame: this.line.item(at)?.title ?? "", why }) }),
      at === this.at ? "" : element("button", { type: "button", class: "link", text: words.show, onclick: () => this.go(at) }),
      element("button", { type: "button", class: "link", text: words.close, onclick: () => { this.errors.delete(id); this.draw(); } }))));
  }

  /** Who has removed the frame that stood for this one; "" where it stands. */
  standInGone(item) {
    const mark = item.partner?.stands && this.line.mark(item.partner.id);
    return mark && mark.action === "drop" ? mark.by : "";
  }

  picture(one, beside) {
    const mark = this.line.mark(one.id), badge = element("span", { class: "badge", text: `${one.mark} ${beside ? this.words[one.stands ? "partner" : "alike"] : one.state}` });
    badge.style.setProperty("--light", one.light);
    badge.style.setProperty("--dark", one.dark);
    const gone = beside && mark?.action === "drop";
    if (gone) badge.textContent = `✕ ${fill(this.words.partner_gone, { by: mark.by })}`;
    return {
      thumbnail: this.url("thumbnail", one), original: this.url("original", one), alt: one.alt,
      caption: [badge, element("b", { text: one.title, title: one.title }), element("span", { class: "soft", text: one.group, title: one.group })],
    };
  }

  drawDecided(item) {
    const { words } = this, mark = this.line.mark(item.id), mine = mark && mark.by === this.data.reviewer;
    this.decided.hidden = !mark;
    this.root.dataset.decided = mark?.action ?? "";
    if (!mark) return;
    const who = mark.rule ? `rule_${mark.action}` : mine ? `you_${mark.action}` : `decided_${mark.action}`;
    const unsaved = this.outbox.about(item.id) ? words.unsaved_one : "";
    const told = [fill(words[who], { by: mark.by }), mark.when].filter(Boolean).join(", ") + (mark.because ? `: ${mark.because}` : "");
    this.decided.className = `decided ${mark.action}`;
    this.decided.replaceChildren(element("i", { text: mark.action === "keep" ? "●" : "✕" }), element("span", { text: told }), element("em", { text: unsaved }));
  }

  drawClose(item) {
    const parts = [element("span", { text: item.close })];
    if (item.nearer !== null) {
      const scale = element("span", { class: "scale", role: "img", "aria-label": item.close }, element("i"));
      scale.firstElementChild.style.left = `${100 * item.nearer}%`;
      parts.unshift(element("span", { class: "soft", text: this.words.closer }), scale, element("span", { class: "soft", text: this.words.further }));
    }
    this.close.replaceChildren(...parts, ...item.tags.map((text) => element("span", { class: "tag", text })));
  }
}

function fill(text, values) { return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? ""); }

function number(value) { return value.toLocaleString("en-US").replaceAll(",", "\u202f"); }

function isDark(root) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const [red, green, blue] = pen.fillStyle.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
