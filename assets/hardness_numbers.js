// Both margins and what they come to, without any drawing. The rules here and `Ranked` in Python give the same numbers
// for every margin; a test compares them. What a margin can be set to, Python has computed beforehand: see payload.py.

const SUMS = 5; // mean of red, green, blue; square; error
const { PI, log } = Math;

export class Margins {
  /** `table`: the unpacked answer of the server. */
  constructor(table) {
    Object.assign(this, table);
    const { patches, frames, groups, steps, floor } = table.header;
    Object.assign(this, { m: patches, steps, floor });
    this.perFrame = new Uint32Array(frames);
    this.perGroup = new Uint32Array(groups);
  }

  /** A quantile -> the margin nearest to it, as a whole number of steps. */
  step(quantile) { return Math.max(0, Math.min(this.steps, Math.round(quantile * this.steps))); }

  quantile(step) { return step / this.steps; }

  /** Places of the patches between two margins, from the easiest: start, and stop behind the last. */
  band(lower, upper) {
    const start = this.start[lower];
    return { start, stop: Math.max(start, this.stop[upper]) };
  }

  /** How many patches lie where; `allowed` after the limits of frames and groups and the budget. */
  counts(lower, upper, limits = {}) {
    const { start, stop } = this.band(lower, upper), { perFrame, perGroup, frame, group } = this;
    perFrame.fill(0);
    for (let at = start; at < stop; at++) perFrame[frame[at]]++;
    const each = limits.per_frame ?? Infinity, all = limits.per_group ?? Infinity;
    perGroup.fill(0);
    let frames = 0;
    for (let one = 0; one < perFrame.length; one++) {
      const here = perFrame[one];
      if (here) { frames++; perGroup[group[one]] += here < each ? here : each; }
    }
    let total = 0;
    for (const here of perGroup) total += here < all ? here : all;
    return { too_easy: start, useful: stop - start, suspicious: this.m - stop, frames, allowed: Math.min(total, limits.budget ?? Infinity) };
  }

  /** Both terms of the V-information of what lies between two margins, in nats for each hidden value. */
  terms(lower, upper) {
    const { start, stop } = this.band(lower, upper);
    return this.of(this.sums_stop, upper, this.sums_start, lower, stop - start);
  }

  of(above, to, below, from, patches) {
    if (patches <= 0) return { patches: 0, nothing: NaN, given: NaN, information: NaN };
    const mean = [];
    for (let one = 0; one < SUMS; one++) mean.push((above[SUMS * to + one] - below[SUMS * from + one]) / patches);
    const spread = Math.max(mean[3] - (mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]) / 3, 0);
    const nothing = this.entropy(spread), given = this.entropy(Math.max(mean[4], 0));
    return { patches, nothing, given, information: nothing - given };
  }

  /** Of a Gaussian with the best variance that is not below the floor. */
  entropy(squaredError) {
    const variance = Math.max(squaredError, this.floor);
    return 0.5 * log(2 * PI * variance) + squaredError / (2 * variance);
  }

  /** The terms of the hardest between two margins, for up to `points` numbers of them from `fewest` to all. */
  curve(lower, upper, points = 60, fewest = 10) {
    const { start, stop } = this.band(lower, upper), all = stop - start, found = [];
    if (all <= 0) return found;
    const low = Math.min(fewest, all);
    let last = 0;
    for (let one = 0; one < points; one++) {
      const wanted = low * (all / low) ** (points > 1 ? one / (points - 1) : 1);
      const from = Math.max(lower, this.lastStep(stop - wanted)), patches = stop - this.start[from];
      if (patches > last && patches >= low) { found.push(this.of(this.sums_stop, upper, this.sums_start, from, patches)); last = patches; }
    }
    return found;
  }

  /** The highest margin that starts at or before `place`. */
  lastStep(place) {
    let low = 0, high = this.steps;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.start[middle] <= place + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  }

  /** The margin that a hardness stands for: the lowest with no easier patch above a lower margin, the highest with no
   *  harder one below an upper margin. */
  stepOf(which, hardness) {
    let low = 0, high = this.steps;
    if (which === "lower") {
      while (low < high) { const middle = (low + high) >> 1; if (this.lower[middle] < hardness) low = middle + 1; else high = middle; }
      return low;
    }
    while (low < high) { const middle = (low + high + 1) >> 1; if (this.upper[middle] > hardness) high = middle - 1; else low = middle; }
    return low;
  }

  /** Hardness at a margin; at one beyond which there is no patch, that of the last one. */
  hardness(which, step) {
    const value = this[which][step];
    if (value === value) return value;
    return which === "lower" ? this.upper[this.steps] : this.lower[0];
  }

  /** How high each band stands in each bin of the histogram: [[too easy, useful, suspicious], ...]. */
  bars(lower, upper) {
    const { start, stop } = this.band(lower, upper), { places } = this, between = (low, high, from, to) => Math.max(0, Math.min(high, to) - Math.max(low, from));
    return Array.from({ length: places.length - 1 }, (_, bin) => {
      const from = places[bin], to = places[bin + 1];
      return [between(0, start, from, to), between(start, stop, from, to), between(stop, this.m, from, to)];
    });
  }

  /** The patches beside a margin: those it leaves out and those it lets in, nearest first. */
  beside(which, lower, upper, most) {
    const { start, stop } = this.band(lower, upper), list = (from, by, end) => Array.from({ length: Math.max(0, Math.min(most, Math.abs(end - from))) }, (_, at) => from + by * at);
    if (which === "lower") return { out: list(start - 1, -1, -1), inside: list(start, 1, stop) };
    return { out: list(stop, 1, this.m), inside: list(stop - 1, -1, start - 1) };
  }
}

/** Where a hardness stands on the logarithmic axis, from 0 to 1, and back. */
export function placeOf(edges, hardness) {
  const low = log(edges[0]), high = log(edges[edges.length - 1]);
  return Math.max(0, Math.min(1, (log(Math.max(hardness, edges[0])) - low) / (high - low)));
}

export function hardnessAt(edges, place) {
  const low = log(edges[0]), high = log(edges[edges.length - 1]);
  return Math.exp(low + place * (high - low));
}

/** 1, 2 and 5 times powers of ten in [low, high]; the powers alone where those would be more than 12. */
export function ticksBetween(low, high) {
  let found = [];
  for (const steps of [[1, 2, 5], [1]]) {
    found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const step of steps) { const value = Number(`${step}e${power}`); if (value >= low && value <= high) found.push(value); }
    }
    if (found.length <= 12) break;
  }
  return found;
}

/** Three significant digits. */
export function short(value) {
  if (value !== value) return "\u2013";
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-4 && size < 1e5) ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}
