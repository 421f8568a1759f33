// The line of removed frames: what is known of each, fetched a chunk at a time, and what has been decided on it.
// A decision that is not on the server's trail yet stands before what the server says.

export class Line {
  constructor(changed) {
    this.changed = changed;
    this.items = []; this.asked = new Map(); this.at = new Map(); this.marks = new Map(); this.local = new Map();
    this.last = 0; this.lost = false; this.refused = false;
  }

  setData(data) {
    if (data.about !== this.about) { this.about = data.about; this.last = 0; this.marks.clear(); this.items = []; this.asked.clear(); }
    this.data = data;
  }

  item(at) { return this.items[at]; }

  /** Have the frame at `at` and those after it soon fetched. */
  want(at) {
    const { chunk, n } = this.data;
    for (const one of [at, at + chunk / 2]) if (one >= 0 && one < n) this.fetchChunk(Math.floor(one / chunk));
  }

  async fetchChunk(number) {
    if (this.asked.get(number)) return;
    this.asked.set(number, true);
    const { chunk, about } = this.data;
    const found = await this.get("frames", { first: number * chunk, count: chunk });
    if (about !== this.data.about) return;
    if (!found) { this.asked.delete(number); return; }
    for (const one of found) { this.items[one.at] = one; this.at.set(one.at, one.id); }
    this.changed();
  }

  /** Ask what has been decided since; true when the answer came. */
  async refresh() {
    const found = await this.get("marks", { after: this.last });
    if (!found) return false;
    if (found.whole) this.marks.clear();
    for (const [id, mark] of Object.entries(found.marks)) {
      if (!mark) { this.marks.delete(id); continue; }
      this.marks.set(id, mark);
      if (mark.at >= 0) this.at.set(mark.at, id);
    }
    this.last = Math.max(this.last, found.last);
    return true;
  }

  async get(name, query) {
    const url = new URL(this.data[name], document.baseURI);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    let found = null;
    try {
      const answer = await fetch(url);
      this.refused = answer.status === 403; // by a server that was started anew, or after signing out
      if (answer.ok) found = await answer.json();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the network's; anything else is a bug
    }
    this.lost = found === null;
    return found;
  }

  /** What stands on a frame, or undefined. */
  mark(id) { return (this.local.has(id) ? this.local.get(id) : this.marks.get(id)) ?? undefined; }

  decide(id, at, mark) { this.at.set(at, id); this.local.set(id, mark); }

  settle(id) { this.local.delete(id); }

  /** Whether a person has looked at the frame at this position. */
  done(at) {
    const id = this.at.get(at), mark = id && this.mark(id);
    return Boolean(mark?.seen);
  }

  /** The next position after `at` that nobody has looked at, going round; -1 for none. */
  nextOpen(at) {
    const { n } = this.data;
    for (let step = 1; step <= n; step += 1) if (!this.done((at + step) % n)) return (at + step) % n;
    return -1;
  }

  /** How many a person has looked at, and how he decided. */
  tally() {
    const count = { keep: 0, drop: 0 };
    for (const mark of this.standing()) if (mark.at >= 0 && mark.seen) count[mark.action] += 1;
    return { kept: count.keep, agreed: count.drop, done: count.keep + count.drop };
  }

  *standing() {
    for (const [id, mark] of this.marks) if (!this.local.has(id)) yield mark;
    for (const mark of this.local.values()) if (mark) yield mark;
  }
}
