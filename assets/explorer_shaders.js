// How a point is drawn: one vertex shader, and two ways to fill it; and a ring around it.

const VERTEX = `#version 300 es
in vec2 position; in float code; in float mark; in vec4 colour;
uniform vec4 view; uniform float size; uniform float byDecision; uniform float lassoed; uniform vec3 palette[6];
out vec4 tint; flat out int shape; flat out float pixels;
void main() {
  bool kept = code < 0.5 || code > 4.5;
  int decision = int(code + 0.5);
  shape = byDecision < 0.5 && colour.a < 0.5 ? 6 : decision;
  pixels = kept ? size : size * 1.15;
  if (shape == 5) pixels = size * 1.9;
  if (shape == 6 && size < 5.0) pixels = size * 0.6; // too small for a ring
  gl_Position = vec4(position * view.xy + view.zw, 0.0, 1.0);
  gl_PointSize = pixels;
  tint = byDecision > 0.5 ? vec4(palette[decision], kept ? 0.95 : 0.85) : vec4(colour.rgb, kept ? 0.95 : 0.5);
  if (lassoed > 0.5 && mark < 0.5) tint.a *= 0.13;
}`;

// Shape as well as colour: disc = kept, x = too alike, triangle = too unusual, square = unusable, diamond = over
// budget, ringed disc = pinned, ring = nothing is known that a colour could stand for.
export const SHAPED = `#version 300 es
precision mediump float;
in vec4 tint; flat in int shape; flat in float pixels;
out vec4 colour;
void main() {
  vec2 p = (gl_PointCoord * 2.0 - 1.0) * pixels * 0.5, a = abs(p);
  float r = pixels * 0.5, distance = length(p) - r + 0.5, arm = max(0.55, pixels * 0.1);
  if (shape == 1) distance = max(abs(a.x - a.y) * 0.7071 - arm, max(a.x, a.y) - r + 0.5);
  else if (shape == 2) distance = max(a.x * 0.866 - p.y * 0.5 - r * 0.42, p.y - r * 0.62);
  else if (shape == 3) distance = max(a.x, a.y) - r * 0.72;
  else if (shape == 4) distance = (a.x + a.y - r + 0.5) * 0.7071;
  else if (shape == 5) distance = min(length(p) - r * 0.45, abs(length(p) - r + 1.2) - 0.9);
  else if (shape == 6) distance = abs(length(p) - r + 1.2) - 0.7;
  float cover = clamp(0.5 - distance, 0.0, 1.0) * tint.a;
  colour = vec4(tint.rgb * cover, cover);
}`;

// Below five pixels no shape can be told, and a crowd of points needs the cheapest shader there is.
export const TINY = `#version 300 es
precision mediump float;
in vec4 tint; flat in float pixels; out vec4 colour;
void main() {
  float r = pixels * 0.5, cover = clamp(r * (1.0 - length(gl_PointCoord * 2.0 - 1.0)) + 0.7, 0.0, 1.0) * tint.a;
  colour = vec4(tint.rgb * cover, cover);
}`;

const AROUND = `#version 300 es
in vec2 position; in float mark;
uniform vec4 view; uniform float size; uniform float lassoed;
flat out float pixels; flat out float fade;
void main() {
  gl_Position = vec4(position * view.xy + view.zw, 0.0, 1.0);
  gl_PointSize = pixels = size;
  fade = lassoed > 0.5 && mark < 0.5 ? 0.2 : 1.0;
}`;

// What a reviewer decided, around the point: a circle = keep, a square = remove, edged so that it stands out anywhere.
const RING = `#version 300 es
precision mediump float;
uniform vec3 ink; uniform vec3 paper; uniform float square; uniform float width;
flat in float pixels; flat in float fade; out vec4 colour;
void main() {
  vec2 p = (gl_PointCoord * 2.0 - 1.0) * pixels * 0.5, a = abs(p);
  float r = pixels * 0.5 - 2.0 * width;
  float from = abs(square > 0.5 ? max(a.x, a.y) - r * 0.9 : length(p) - r);
  float line = clamp(0.5 + width - from, 0.0, 1.0), edge = clamp(0.5 + 1.7 * width - from, 0.0, 1.0) * 0.85;
  float cover = max(line, edge) * fade;
  colour = vec4(mix(paper, ink, line) * cover, cover);
}`;

const UNIFORMS = ["view", "size", "byDecision", "lassoed", "palette", "ink", "paper", "square", "width"];

/** The rings around points. */
export function compileRing(gl) { return compile(gl, RING, AROUND); }

export function compile(gl, fragment, vertex = VERTEX) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  ["position", "code", "mark", "colour"].forEach((name, slot) => gl.bindAttribLocation(program, slot, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`shader: ${gl.getProgramInfoLog(program)}`);
  return { program, at: Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)])) };
}
