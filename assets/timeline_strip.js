// Drawing of strips: a whole one as densities, and the frames around the one looked at, one bar each.
import { sheet } from "./explorer_limits.js";

export const EDGE = 8; // pixels left free on both sides, so that a mark at the end is not cut
const KEPT = 0, INVALID = 3, PINNED = 5;

/** Draw strip `about` (see `about` in timeline_routes.py) from the densities of all. `ink` has colours by reason code
 *  and `text`, `soft`, `alarm`; `cursor` is a position on the strip or null. */
export function drawStrip(canvas, about, densities, look, cursor) {
  const { ink, width, height } = sheet(canvas);
  const bins = about.to - about.from, inner = width - 2 * EDGE;
  const lanes = { top: 18, kept: 16, removed: 14, faults: 5 };
  const mid = lanes.top + lanes.kept + 1, low = mid + lanes.removed + 2;
  ink.fillStyle = look.ground;
  ink.fillRect(EDGE, lanes.top, inner, low + lanes.faults - lanes.top);
  const columns = columnsOf(about, densities, Math.max(1, Math.floor(inner)), bins);
  const highest = (values) => values.reduce((a, b) => Math.max(a, b), 1);
  const most = highest(columns.removed), mostKept = highest(columns.kept), mark = Math.max(1, Math.min(7, Math.floor(inner / bins) - 1));
  columns.kept.forEach((count, column) => {
    const x = EDGE + column - Math.floor(mark / 2), removed = columns.removed[column];
    if (count) {
      ink.globalAlpha = 0.35 + 0.65 * count / mostKept; // where a column holds many frames, how many of them stay
      bar(ink, look.reasons[KEPT], x, lanes.top, mark, lanes.kept);
      ink.globalAlpha = 1;
    }
    if (removed) bar(ink, look.reasons[1], x, mid, mark, lanes.removed * (0.25 + 0.75 * removed / most));
    if (columns.faults[column]) bar(ink, look.reasons[INVALID], x, low, mark, lanes.faults);
    if (columns.ruled[column]) frame(ink, look, EDGE + column, lanes.top + lanes.kept / 2);
    if (columns.reviewed[column]) ring(ink, look, EDGE + column, lanes.top + lanes.kept / 2);
  });
  if (about.gap) drawGap(ink, about, look, inner, lanes.top, low + lanes.faults);
  if (cursor !== null) {
    const x = Math.round(xOf(about, cursor, inner)) + 0.5;
    ink.strokeStyle = look.text; ink.lineWidth = 2;
    line(ink, x, lanes.top - 3, x, low + lanes.faults + 3);
    ink.fillStyle = look.text;
    ink.beginPath(); ink.moveTo(x - 5, height); ink.lineTo(x + 5, height); ink.lineTo(x, height - 6); ink.fill();
  }
}

/** A position on the strip -> pixels from the canvas' left. */
function xOf({ reach: [low, high] }, at, inner) { return EDGE + (high > low ? (at - low) / (high - low) : 0.5) * inner; }

/** Pixels from the canvas' left -> a position on the strip. */
export function positionAt({ reach: [low, high], start, end }, x, width) {
  return Math.max(start, Math.min(end, low + (x - EDGE) / Math.max(1, width - 2 * EDGE) * (high - low)));
}

/** Densities of one strip as one value a pixel column: many bins add up, few leave columns between them empty. */
function columnsOf(about, densities, width, bins) {
  const columns = {};
  for (const name of ["kept", "removed", "faults", "reviewed", "ruled"]) {
    const sums = new Array(width).fill(0);
    for (let bin = 0; bin < bins; bin++) {
      const value = densities[name][about.from + bin];
      if (value) sums[Math.min(width - 1, Math.floor((bin + 0.5) / bins * width))] += value;
    }
    columns[name] = sums;
  }
  return columns;
}

function drawGap(ink, about, look, inner, top, bottom) {
  const { gap } = about, left = xOf(about, gap.start, inner), right = Math.max(left + 2, xOf(about, gap.end, inner));
  if (gap.long) {
    ink.fillStyle = look.veil;
    ink.fillRect(left, top, right - left, bottom - top);
  }
  const colour = gap.long ? look.alarm : look.soft;
  ink.strokeStyle = colour; ink.lineWidth = 1.5;
  ink.beginPath();
  ink.moveTo(left, top - 1); ink.lineTo(left, top - 5); ink.lineTo(right, top - 5); ink.lineTo(right, top - 1);
  ink.stroke();
  ink.font = `${gap.long ? 600 : 400} 12px ${look.font}`;
  ink.fillStyle = colour;
  const text = gap.text, wide = ink.measureText(text).width;
  const at = Math.max(EDGE, Math.min(EDGE + inner - wide, (left + right - wide) / 2));
  ink.fillText(text, at, top - 8);
}

/** The frames from `first` on, a bar each: high ones are kept, the colours are the strip's, the one at `place` is framed. */
export function drawLens(canvas, strip, place, first, count, look) {
  const { ink, width, height } = sheet(canvas), step = width / count;
  for (let at = Math.max(0, first); at < Math.min(strip.codes.length, first + count); at++) {
    const code = strip.codes[at], kept = strip.kept[at] === 1;
    const colour = code === PINNED || code === INVALID ? code : kept ? KEPT : 1;
    const tall = (height - 6) * (kept ? 1 : code === INVALID ? 0.28 : 0.5), x = (at - first) * step;
    bar(ink, look.reasons[colour], x + 0.5, height - 3 - tall, Math.max(1, step - 1), tall);
    if (at === place) {
      ink.strokeStyle = look.text; ink.lineWidth = 2;
      ink.strokeRect(x - 1, 1, Math.max(4, step + 1), height - 2);
    }
  }
}

function bar(ink, colour, x, y, width, height) { ink.fillStyle = colour; ink.fillRect(x, y, width, height); }

function line(ink, x0, y0, x1, y1) { ink.beginPath(); ink.moveTo(x0, y0); ink.lineTo(x1, y1); ink.stroke(); }

function frame(ink, look, x, y) {
  ink.strokeStyle = look.reasons[PINNED]; ink.fillStyle = look.paper; ink.lineWidth = 2;
  ink.fillRect(x - 3.5, y - 3.5, 7, 7); ink.strokeRect(x - 3.5, y - 3.5, 7, 7);
}

function ring(ink, look, x, y) {
  ink.strokeStyle = look.reasons[PINNED]; ink.fillStyle = look.paper; ink.lineWidth = 2;
  ink.beginPath(); ink.arc(x, y, 4, 0, 2 * Math.PI); ink.fill(); ink.stroke();
}
