// Numbers of the explorer, without any drawing: unpacking what the server sends and deciding on every frame.
// The rule here and `MedDELScores.codes` in Python must give the same code for every frame; a test compares them.

export const KEPT = 0, DUPLICATE = 1, OUTLIER = 2, INVALID = 3, BUDGET = 4, PINNED = 5;
export const REASONS = ["kept", "duplicate", "outlier", "invalid", "budget", "pinned"];

const TYPES = { f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array };

/** A packed answer -> {header, name: typed array, ...}. Layout: uint32 header length, JSON header, sections. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = 4 + length;
  const arrays = { header };
  for (const { name, type, offset, count } of header.sections) {
    arrays[name] = new TYPES[type](buffer, start + offset, count);
  }
  return arrays;
}

/** Fetch one packed answer; `missing` marks a 404, which the caller answers by asking Python again. */
export async function fetchPacked(url, signal) {
  const response = await fetch(url, { credentials: "same-origin", signal });
  if (!response.ok) {
    const error = new Error(`the server answered ${response.status} for the map's data`);
    error.missing = response.status === 404;
    throw error;
  }
  return unpack(await response.arrayBuffer());
}

/** Put a later answer over the scores in hand: whole, only the changed rows, or only the decisions (`stale`).
 *  `basis` names the scores whose numbers are in hand. */
export function mergeScores(current, answer) {
  const { kind, id } = answer.header;
  if (kind === "full" || !current) return { ...answer, basis: id };
  const header = { ...current.header, ...answer.header };
  if (kind === "F") return { ...current, header, F: answer.F, basis: id, order: null, stale: false, codes: null };
  if (kind === "codes") return { ...current, header, stale: true, codes: answer.codes };
  const F = current.F.slice();
  for (let i = 0; i < answer.rows.length; i++) F[answer.rows[i]] = answer.F[i];
  return { ...current, header, F, basis: id, order: null, stale: false, codes: null };
}

/** Neither unusable nor too unusual may a frame be; unusable goes first. Written into `codes`. */
function exclude(codes, scores, limits) {
  const { d, invalid } = scores;
  const epsilon = Math.fround(limits.epsilon), strict = Math.fround(limits.invalid);
  for (let i = 0; i < codes.length; i++) {
    codes[i] = invalid && invalid[i] > strict ? INVALID : d[i] > epsilon ? OUTLIER : KEPT;
  }
}

/** Rows from the one kept first to the one kept last: ascending F (NaN last), ties by frame id. */
function keepOrder(scores, ids) {
  if (!scores.order) {
    const { F } = scores, view = new DataView(ids.buffer, ids.byteOffset);
    const idOrder = (a, b) => view.getUint32(8 * a) - view.getUint32(8 * b) || view.getUint32(8 * a + 4) - view.getUint32(8 * b + 4);
    const value = (row) => (F[row] === F[row] ? F[row] : 2);
    scores.order = Uint32Array.from(F.keys()).sort((a, b) => value(a) - value(b) || idOrder(a, b));
  }
  return scores.order;
}

/** Decide on every frame. Fills `codes` (n,) uint8 and returns {kept, removed: [count a code], eta}. */
export function decide(codes, scores, limits, ids) {
  exclude(codes, scores, limits);
  const { F } = scores, limit = Math.fround(limits.eta);
  let eta = limits.eta;
  if (limits.mode === "share") eta = keepShare(codes, scores, limits, ids);
  else for (let i = 0; i < codes.length; i++) if (codes[i] === KEPT && F[i] > limit) codes[i] = DUPLICATE;
  if (scores.pins) for (let i = 0; i < codes.length; i++) if (scores.pins[i]) codes[i] = PINNED;
  return count(codes, eta);
}

/** Keep exactly round(keep * n) of the frames that may be kept; returns the eta this amounts to. */
function keepShare(codes, scores, limits, ids) {
  const { F } = scores, limit = Math.fround(limits.eta);
  let left = Math.max(1, roundHalfEven(limits.keep * codes.length)), eta = -1;
  for (const row of keepOrder(scores, ids)) {
    if (codes[row] !== KEPT) continue;
    if (left > 0) { left--; if (F[row] > eta) eta = F[row]; } else codes[row] = F[row] > limit ? DUPLICATE : BUDGET;
  }
  return eta;
}

/** Python's round(). */
export function roundHalfEven(value) {
  const low = Math.floor(value), rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

export function count(codes, eta) {
  const removed = new Array(REASONS.length).fill(0);
  for (let i = 0; i < codes.length; i++) removed[codes[i]]++;
  return { kept: removed[KEPT] + removed[PINNED], removed, eta };
}

/** Kept share at each of `steps` values of eta over [low, high], all else as it is: the curve. */
export function keptCurve(scores, limits, low, high, steps = 96) {
  const n = scores.F.length;
  const base = new Uint8Array(n);
  exclude(base, scores, limits);
  const bins = new Float64Array(steps + 1);
  const { F } = scores;
  for (let i = 0; i < n; i++) {
    if (base[i] !== KEPT) continue;
    const at = Math.ceil((F[i] - low) / (high - low) * (steps - 1));
    bins[Math.max(0, Math.min(steps, at))]++;
  }
  const curve = new Float64Array(steps);
  for (let i = 0, sum = 0; i < steps; i++) curve[i] = (sum += bins[i]) / n;
  return curve;
}

/** Counts in `bins` equal steps over [low, high]; values outside fall into the end bins, NaN nowhere. */
export function histogram(values, low, high, bins) {
  const counts = new Uint32Array(bins);
  const scale = bins / (high - low || 1);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((values[i] - low) * scale);
    if (at === at) counts[at < 0 ? 0 : at >= bins ? bins - 1 : at]++;
  }
  return counts;
}

/** Even-odd rule on a flat polygon [x0, y0, x1, y1, ...]; the same arithmetic as `rows_inside` in Python. */
export function rowsInside(polygon, x, y) {
  const corners = polygon.length / 2;
  let left = Infinity, right = -Infinity, top = -Infinity, bottom = Infinity;
  for (let c = 0; c < corners; c++) {
    left = Math.min(left, polygon[2 * c]); right = Math.max(right, polygon[2 * c]);
    bottom = Math.min(bottom, polygon[2 * c + 1]); top = Math.max(top, polygon[2 * c + 1]);
  }
  const inside = [];
  for (let i = 0; i < x.length; i++) {
    const px = x[i], py = y[i];
    if (px < left || px > right || py < bottom || py > top) continue;
    let odd = false;
    for (let c = 0, before = corners - 1; c < corners; before = c++) {
      const ax = polygon[2 * c], ay = polygon[2 * c + 1], bx = polygon[2 * before], by = polygon[2 * before + 1];
      if ((ay > py) !== (by > py) && px < (bx - ax) * (py - ay) / (by - ay) + ax) odd = !odd;
    }
    if (odd) inside.push(i);
  }
  return inside;
}

/** Finds the point under the cursor: a uniform grid over the map, rows sorted by cell. */
export class Grid {
  constructor(x, y) {
    this.x = x; this.y = y;
    this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(x.length / 3))));
    const cell = new Uint32Array(x.length);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < x.length; i++) this.starts[(cell[i] = this.cell(x[i]) + this.side * this.cell(y[i])) + 1]++;
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.rows = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) this.rows[next[cell[i]]++] = i;
  }

  cell(value) { return Math.max(0, Math.min(this.side - 1, Math.floor((value + 1) / 2 * this.side))); }

  /** Row of the point nearest to (px, py) within (rx, ry), or -1; kept and visible ones are not preferred. */
  nearest(px, py, rx, ry) {
    let best = -1, bestDistance = 1;
    for (let cy = this.cell(py - ry); cy <= this.cell(py + ry); cy++) {
      for (let cx = this.cell(px - rx); cx <= this.cell(px + rx); cx++) {
        const c = cx + this.side * cy;
        for (let at = this.starts[c]; at < this.starts[c + 1]; at++) {
          const row = this.rows[at];
          const distance = ((this.x[row] - px) / rx) ** 2 + ((this.y[row] - py) / ry) ** 2;
          if (distance < bestDistance) { best = row; bestDistance = distance; }
        }
      }
    }
    return best;
  }
}

/** 16 hex digits of row `row` from the packed ids (8 bytes a frame). */
export function frameId(ids, row) {
  let text = "";
  for (let b = 0; b < 8; b++) text += ids[row * 8 + b].toString(16).padStart(2, "0");
  return text;
}

export function rowOf(ids, id) {
  const want = id.match(/../g).map((two) => parseInt(two, 16));
  for (let row = 0; row < ids.length / 8; row++) {
    let same = true;
    for (let b = 0; b < 8 && same; b++) same = ids[row * 8 + b] === want[b];
    if (same) return row;
  }
  return -1;
}
