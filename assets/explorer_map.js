// The map: all points in one WebGL2 buffer. A slider move changes one byte a point (its decision); nothing else.
import { Grid, rowsInside } from "./explorer_data.js";
import { compile, compileRing, SHAPED, TINY } from "./explorer_shaders.js";

const TINY_PIXELS = 5; // below, no shape can be told
const MOST_STRETCH = 1.8;
const CLEAN_MS = 200; // after the last change, all points are painted anew

export class FrameMap {
  /** `on`: {hover(row, x, y), pick(row), lasso(polygon or null), lost(lost)}. Throws where WebGL2 is missing. */
  constructor(box, on) {
    this.box = box; this.on = on;
    this.canvas = box.appendChild(document.createElement("canvas"));
    this.overlay = box.appendChild(document.createElement("canvas"));
    this.overlay.tabIndex = 0;
    this.overlay.className = "overlay";
    // Held in ordinary memory: a canvas on the graphics card may keep showing what was cleared.
    this.ink = this.overlay.getContext("2d", { willReadFrequently: true });
    this.tool = "pan"; this.zoom = 1; this.centre = [0, 0]; this.fit = { x: 0, y: 0, half: [1, 1] };
    this.polygon = null; this.drawing = null; this.picked = -1; this.partner = -1; this.hovered = -1;
    this.rings = [new Uint32Array(0), new Uint32Array(0)];
    this.byDecision = true; this.repaints = 0; this.theme = { palette: new Float32Array(18), ink: "#000", paper: "#fff", ground: [1, 1, 1] };
    this.start();
    this.canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.gl = null; on.lost(true); });
    this.canvas.addEventListener("webglcontextrestored", () => { this.start(); this.uploadAll(); on.lost(false); });
    this.listen();
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(box);
  }

  start() {
    const gl = this.canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
    if (!gl) throw new Error("this browser has no WebGL2");
    this.shaped = compile(gl, SHAPED);
    this.tiny = compile(gl, TINY);
    this.ring = compileRing(gl);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.buffers = ["position", "code", "mark", "colour"].map(() => gl.createBuffer());
    this.orderBuffer = gl.createBuffer();
    this.gl = gl;
  }

  setPoints(x, y) {
    this.x = x; this.y = y; this.n = x.length;
    this.rings = [new Uint32Array(0), new Uint32Array(0)];
    this.grid = new Grid(x, y);
    this.codes = new Uint8Array(this.n); this.marks = new Uint8Array(this.n);
    this.colours = new Uint8Array(4 * this.n); this.order = new Uint32Array(this.n);
    this.shown = new Uint8Array(this.n); this.scratch = new Uint32Array((this.n >> 2) + 1);
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.n; i++) {
      left = Math.min(left, x[i]); right = Math.max(right, x[i]); low = Math.min(low, y[i]); high = Math.max(high, y[i]);
    }
    const half = (from, to) => Math.max(0.02, (to - from) / 2);
    this.fit = { x: (left + right) / 2, y: (low + high) / 2, half: [half(left, right), half(low, high)] };
    this.uploadAll();
    this.reset();
  }

  uploadAll() {
    if (!this.gl || !this.x) return;
    const positions = new Float32Array(2 * this.n);
    for (let i = 0; i < this.n; i++) { positions[2 * i] = this.x[i]; positions[2 * i + 1] = this.y[i]; }
    const { gl } = this;
    [[positions, 2, gl.FLOAT, false], [this.codes, 1, gl.UNSIGNED_BYTE, false], [this.marks, 1, gl.UNSIGNED_BYTE, false],
      [this.colours, 4, gl.UNSIGNED_BYTE, true]].forEach(([values, width, type, normalised], slot) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[slot]);
      gl.bufferData(gl.ARRAY_BUFFER, values, slot ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, width, type, normalised, 0, 0);
    });
    this.look = "";
    this.repaint();
  }

  upload(slot, values) {
    if (this.gl) {
      this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[slot]);
      this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, values);
    }
    this.repaint();
  }

  setCodes(codes) {
    this.codes = codes;
    this.upload(1, codes);
  }

  /** The order of drawing, in one pass over the points: the fewer ones, kept or removed, lie on top. */
  sort() {
    const { codes, order, n } = this;
    let first = 0, last = n, kept = 0;
    for (let i = 0; i < n; i++) if (codes[i] === 0) kept++;
    const keptOnTop = 2 * kept < n;
    for (let i = 0; i < n; i++) if ((codes[i] === 0 || codes[i] === 5) === keptOnTop) order[--last] = i; else order[first++] = i;
  }

  /** `colours` (4n,) uint8 RGBA, or null for the colours of the decisions. */
  setColours(colours) {
    this.byDecision = !colours; this.look = "";
    if (colours) { this.colours = colours; this.upload(3, colours); } else this.repaint();
  }

  /** Rows (uint32) to be ringed: those that a reviewer keeps, and those that one removes. */
  setRings(keep, drop) { this.rings = [keep, drop]; this.look = ""; this.repaint(); }

  setTheme(theme) { this.theme = theme; this.look = ""; this.repaint(); }
  setTool(tool) { this.tool = tool; this.overlay.dataset.tool = tool; }
  setPicked(row, partner) { this.picked = row; this.partner = partner; this.repaintOverlay(); }

  /** Mark what lies in `polygon` (map coordinates, flat); null takes the marks away. Returns the rows inside. */
  setLasso(polygon) {
    this.polygon = polygon; this.look = "";
    this.marks.fill(0);
    const rows = polygon ? rowsInside(polygon, this.x, this.y) : [];
    for (const row of rows) this.marks[row] = 1;
    this.upload(2, this.marks);
    return rows;
  }

  reset() { this.zoom = 1; this.centre = [this.fit.x, this.fit.y]; this.repaint(); }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.box;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.max(1, Math.round(clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    }
    this.look = ""; this.due = true;
    this.paint();
  }

  repaint() {
    this.due = true;
    this.repaintOverlay();
  }

  /** Only what lies over the points: rings, lasso. */
  repaintOverlay() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.paint());
  }

  /** CSS pixels for one map unit across and up. A map's axes have no unit, so one may be stretched to fill the box. */
  scale() {
    const { clientWidth: w, clientHeight: h } = this.box, [hx, hy] = this.fit.half;
    const fits = [(w / 2 - 16) / hx, (h / 2 - 16) / hy].map((one) => Math.max(1e-9, one));
    const most = MOST_STRETCH * Math.min(...fits);
    return fits.map((one) => this.zoom * Math.min(one, most));
  }

  toScreen(x, y) {
    const [sx, sy] = this.scale();
    return [this.box.clientWidth / 2 + (x - this.centre[0]) * sx, this.box.clientHeight / 2 - (y - this.centre[1]) * sy];
  }

  toMap(px, py) {
    const [sx, sy] = this.scale();
    return [this.centre[0] + (px - this.box.clientWidth / 2) / sx, this.centre[1] - (py - this.box.clientHeight / 2) / sy];
  }

  /** Point diameter in CSS pixels: as large as the crowd allows, which thins out as one zooms in. */
  pointSize() {
    const room = Math.sqrt(this.box.clientWidth * this.box.clientHeight / Math.max(1, this.n));
    return Math.max(2.2, Math.min(7.5, room * this.zoom * 0.42)) * Math.max(1, Math.min(1.6, this.zoom ** 0.2));
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.gl && this.n && this.due) {
      this.due = false;
      this.paintPoints();
      this.canvas.dataset.repaints = String(++this.repaints);
    }
    this.paintOverlay();
  }

  paintPoints() {
    const { gl } = this, { width, height } = this.canvas, ratio = window.devicePixelRatio || 1;
    const [mx, my] = this.scale(), sx = 2 * mx * ratio / width, sy = 2 * my * ratio / height, size = this.pointSize() * ratio;
    const small = size < TINY_PIXELS, { program, at } = small ? this.tiny : this.shaped;
    const look = [width, height, sx, sy, size, ...this.centre].join();
    const changed = small && this.byDecision && look === this.look ? this.changes() : null;
    gl.useProgram(program);
    gl.viewport(0, 0, width, height);
    gl.uniform4f(at.view, sx, sy, -this.centre[0] * sx, -this.centre[1] * sy);
    gl.uniform1f(at.size, size);
    gl.uniform1f(at.byDecision, this.byDecision ? 1 : 0);
    gl.uniform1f(at.lassoed, this.polygon ? 1 : 0);
    gl.uniform3fv(at.palette, this.theme.palette);
    clearTimeout(this.later);
    if (changed) {
      this.draw(changed);
      this.later = setTimeout(() => { this.look = ""; this.repaint(); }, CLEAN_MS);
    } else {
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      this.sort();
      this.draw(this.order);
    }
    this.paintRings([sx, sy, -this.centre[0] * sx, -this.centre[1] * sy], Math.max(11 * ratio, size + 7 * ratio), ratio);
    this.look = look;
    this.shown.set(this.codes);
  }

  paintRings(view, size, ratio) {
    if (!this.rings.some((rows) => rows.length)) return;
    const { gl, theme } = this, { program, at } = this.ring;
    gl.useProgram(program);
    gl.uniform4f(at.view, ...view);
    gl.uniform1f(at.size, size);
    gl.uniform1f(at.width, ratio * 0.75);
    gl.uniform1f(at.lassoed, this.polygon ? 1 : 0);
    gl.uniform3fv(at.ink, theme.palette.subarray(15, 18));
    gl.uniform3fv(at.paper, theme.ground);
    this.rings.forEach((rows, square) => {
      gl.uniform1f(at.square, square);
      if (rows.length) this.draw(rows);
    });
  }

  draw(rows) {
    const { gl } = this;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.orderBuffer);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, rows, gl.DYNAMIC_DRAW);
    gl.drawElements(gl.POINTS, rows.length, gl.UNSIGNED_INT, 0);
  }

  /** The rows whose decision changed since the last painting, or null where painting all is as well. In a crowd of
   *  tiny discs a new colour can go over the old one: that keeps dragging fluent without a graphics card. */
  changes() {
    const { codes, shown, n, scratch } = this, most = n >> 2;
    let count = 0;
    for (let i = 0; i < n && count <= most; i++) if (codes[i] !== shown[i]) scratch[count++] = i;
    return count && count <= most ? scratch.subarray(0, count) : null;
  }

  paintOverlay() {
    const { ink, theme } = this, ratio = window.devicePixelRatio || 1;
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, this.box.clientWidth, this.box.clientHeight);
    if (!this.n) return;
    const corners = this.drawing || (this.polygon && pairs(this.polygon));
    if (corners && corners.length > 1) {
      ink.beginPath();
      corners.forEach(([x, y], i) => ink[i ? "lineTo" : "moveTo"](...this.toScreen(x, y)));
      ink.closePath();
      ink.fillStyle = theme.wash; ink.fill();
      ink.setLineDash([5, 4]); ink.strokeStyle = theme.ink; ink.lineWidth = 1.2; ink.stroke(); ink.setLineDash([]);
    }
    const spot = (row) => this.toScreen(this.x[row], this.y[row]);
    if (this.picked >= 0 && this.partner >= 0 && this.partner !== this.picked) {
      ink.beginPath(); ink.moveTo(...spot(this.picked)); ink.lineTo(...spot(this.partner));
      ink.strokeStyle = theme.ink; ink.lineWidth = 1.5; ink.stroke();
    }
    const r = this.pointSize() / 2 + 4;
    for (const [row, width] of [[this.hovered, 1.5], [this.partner, 2], [this.picked, 2.5]]) {
      if (row < 0) continue;
      ink.beginPath(); ink.arc(...spot(row), r, 0, 2 * Math.PI);
      ink.strokeStyle = theme.paper; ink.lineWidth = width + 3; ink.stroke();
      ink.strokeStyle = theme.ink; ink.lineWidth = width; ink.stroke();
    }
  }

  at_(event) {
    const box = this.overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  rowAt(px, py) {
    if (!this.n) return -1;
    const reach = Math.max(8, this.pointSize()), [sx, sy] = this.scale();
    return this.grid.nearest(...this.toMap(px, py), reach / sx, reach / sy);
  }

  zoomAt(px, py, factor) {
    const [x, y] = this.toMap(px, py);
    this.zoom = Math.max(0.5, Math.min(400, this.zoom * factor));
    const [nx, ny] = this.toMap(px, py);
    this.centre = [this.centre[0] + x - nx, this.centre[1] + y - ny];
    this.repaint();
  }

  listen() {
    const { overlay } = this;
    let down = null;
    overlay.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      overlay.setPointerCapture(event.pointerId);
      const [px, py] = this.at_(event);
      down = { px, py, centre: this.centre, moved: false, lasso: this.tool === "lasso" || event.shiftKey };
    });
    overlay.addEventListener("pointermove", (event) => {
      const [px, py] = this.at_(event);
      if (!down) { this.hover(this.rowAt(px, py), px, py); return; }
      if (!down.moved && Math.hypot(px - down.px, py - down.py) < 4) return;
      if (!down.moved) { down.moved = true; this.hover(-1); if (down.lasso) this.drawing = [this.toMap(down.px, down.py)]; }
      if (down.lasso) {
        this.extendLasso(px, py);
        this.repaintOverlay();
      } else {
        const [sx, sy] = this.scale();
        this.centre = [down.centre[0] - (px - down.px) / sx, down.centre[1] + (py - down.py) / sy];
        this.repaint();
      }
    });
    const up = (event) => {
      if (!down) return;
      const ended = down;
      down = null;
      if (ended.lasso && ended.moved) this.endLasso();
      else if (!ended.moved && event.type === "pointerup") this.click(...this.at_(event));
    };
    overlay.addEventListener("pointerup", up);
    overlay.addEventListener("pointercancel", up);
    overlay.addEventListener("pointerleave", () => this.hover(-1));
    overlay.addEventListener("dblclick", () => this.reset());
    overlay.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.hover(-1);
      this.zoomAt(...this.at_(event), Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
    }, { passive: false });
    overlay.addEventListener("keydown", (event) => this.key(event));
  }

  hover(row, px, py) {
    if (row !== this.hovered) { this.hovered = row; this.repaintOverlay(); }
    this.on.hover(row, px, py);
  }

  click(px, py) {
    const row = this.rowAt(px, py);
    if (row >= 0) this.on.pick(row);
    else if (this.polygon) this.on.lasso(null);
  }

  /** A corner every three pixels at least, so that a long stroke stays a small polygon. */
  extendLasso(px, py) {
    const last = this.drawing[this.drawing.length - 1];
    const [lx, ly] = this.toScreen(...last);
    if (Math.hypot(px - lx, py - ly) >= 3) this.drawing.push(this.toMap(px, py));
  }

  endLasso() {
    let corners = this.drawing;
    this.drawing = null;
    while (corners.length > 240) corners = corners.filter((_, i) => i % 2 === 0);
    this.on.lasso(corners.length > 2 ? corners.flat().map((v) => Math.round(v * 1e6) / 1e6) : null);
    this.repaint();
  }

  key(event) {
    const [right, up] = this.scale().map((one) => 40 / one);
    const moves = { ArrowLeft: [-right, 0], ArrowRight: [right, 0], ArrowUp: [0, up], ArrowDown: [0, -up] };
    const middle = [this.box.clientWidth / 2, this.box.clientHeight / 2];
    if (moves[event.key]) this.centre = this.centre.map((value, axis) => value + moves[event.key][axis]);
    else if (event.key === "+" || event.key === "=") this.zoomAt(...middle, 1.25);
    else if (event.key === "-") this.zoomAt(...middle, 0.8);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") this.on.lasso(null);
    else return;
    event.preventDefault();
    this.repaint();
  }

  destroy() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.later);
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

function pairs(flat) {
  const corners = [];
  for (let i = 0; i < flat.length; i += 2) corners.push([flat[i], flat[i + 1]]);
  return corners;
}
