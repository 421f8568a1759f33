// Decisions on their way to the server. All that are not acknowledged are sent together, one list at a time and again
// when no answer comes; each has a key of its own, so that sent twice counts once. They outlive a reload of the tab.

const RESEND_MS = 10_000, FOLLOW_MS = 300, AT_ONCE = 200;

export class Outbox {
  constructor(send) {
    this.send = send; this.wishes = []; this.number = 0; this.waiting = false;
    this.place = ""; this.selection = ""; this.sent = new Set(); this.kept = true;
  }

  /** Whose decisions on which selection these are; those of before a reload are taken up again. */
  belongTo(about, reviewer) {
    const place = reviewer ? placeOf(about, reviewer) : "";
    if (place === this.place) return [];
    this.place = place;
    this.selection = about;
    if (!place) return [];
    const kept = read(place).filter((one) => !this.wishes.some((other) => other.key === one.key));
    this.wishes.unshift(...kept);
    if (kept.length) this.flush();
    return kept;
  }

  get size() { return this.wishes.length; }

  about(frame) { return this.wishes.some((one) => one.frame === frame); }

  add(wish) {
    this.wishes.push(wish);
    this.store();
    // What is sent goes with whatever the page asks next, also when it leaves this view: so never long unsent.
    if (!this.waiting) this.flush();
    else this.soon ??= setTimeout(() => this.flush(), FOLLOW_MS);
  }

  flush() {
    clearTimeout(this.timer);
    clearTimeout(this.soon);
    this.soon = undefined;
    if (!this.wishes.length) { this.waiting = false; return; }
    this.waiting = true;
    this.number = Math.max(this.number + 1, Date.now());
    const list = this.wishes.slice(0, AT_ONCE);
    this.sent = new Set(list.map((one) => one.key));
    this.send({ number: this.number, wishes: list.map(({ at, ...told }) => told) });
    this.timer = setTimeout(() => this.flush(), RESEND_MS);
  }

  /** Take an answer; returns what was saved, and what was not with the sentence why. */
  answered({ number = 0, by_key: answers = {} }) {
    const saved = [], failed = [];
    const newest = number === this.number; // a refusal of an older list may be mended by the one under way
    for (const wish of this.wishes) {
      if (answers[wish.key] === "") saved.push(wish);
      else if (newest && this.sent.has(wish.key)) failed.push({ wish, why: answers[wish.key] ?? "" });
    }
    if (saved.length || failed.length) {
      const gone = new Set([...saved, ...failed.map((one) => one.wish)]);
      this.wishes = this.wishes.filter((one) => !gone.has(one));
      this.store();
      for (const wish of gone) this.forget(wish);
    }
    if (newest) this.flush();
    return { saved, failed };
  }

  store() {
    this.kept = Boolean(this.place);
    if (!this.place) return;
    try {
      if (this.wishes.length) sessionStorage.setItem(this.place, JSON.stringify(this.wishes));
      else sessionStorage.removeItem(this.place);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // full or forbidden: then a reload loses what waits
      this.kept = false;
    }
  }

  /** Answered under another name than it was taken by: it must not be sent anew when that name comes back. */
  forget({ key, by }) {
    const place = placeOf(this.selection, by);
    if (!by || !this.kept || place === this.place) return;
    const left = read(place).filter((one) => one.key !== key);
    if (left.length) sessionStorage.setItem(place, JSON.stringify(left));
    else sessionStorage.removeItem(place);
  }

  stop() { clearTimeout(this.timer); clearTimeout(this.soon); }
}

/** A key that no other decision has; the short way is for pages that come over plain HTTP from another machine. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

function placeOf(about, reviewer) { return `dataeff-review:${about}:${reviewer}`; }

function read(place) {
  try {
    const found = JSON.parse(sessionStorage.getItem(place) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => one && typeof one.key === "string") : [];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return [];
    throw error;
  }
}
