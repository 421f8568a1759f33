// Which key does what. Keys act wherever the focus is, but leave alone whoever types, and the page's other controls.

const TYPING = "input, textarea, select, [contenteditable]:not([contenteditable=false])";
const CONTROL = "button, a, summary, [role=radio], [role=slider], [role=option], [role=tab], [role=combobox]";
const MOVES = ["arrowleft", "arrowright", " ", "enter", "home"]; // what other controls use, too
const DECIDES = ["k", "d", "u"];

/** Do with the reviewer what this key stands for. */
export function act(reviewer, event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const path = event.composedPath(), target = path[0], inside = path.includes(reviewer.root);
  if (!inside && document.querySelector("[role=dialog]")) return;
  if (target.matches?.(TYPING)) { if (target === reviewer.panel.why) typed(reviewer, event); return; }
  const name = nameOf(event);
  if (MOVES.includes(name) && taken(target, name, inside)) return;
  const reason = reviewer.data.reasons.find((one) => one.digit === name);
  const deed = reason ? () => reviewer.act(reason.action, reason.code) : deeds(reviewer)[name];
  if (!deed) return;
  event.preventDefault();
  if (!(event.repeat && (reason || DECIDES.includes(name)))) deed(); // a key held down decides once
}

function deeds(reviewer) {
  const { pictures, panel, numbers } = reviewer;
  return {
    k: () => reviewer.act("keep"), d: () => reviewer.act("drop"), u: () => reviewer.act("undo"),
    arrowleft: () => reviewer.step(-1), arrowright: () => reviewer.step(1), home: () => reviewer.open(reviewer.at),
    " ": () => pictures.flip(), "+": () => pictures.zoomAt(0.5, 0.5, 1.4), "=": () => pictures.zoomAt(0.5, 0.5, 1.4),
    "-": () => pictures.zoomAt(0.5, 0.5, 1 / 1.4), 0: () => pictures.whole(),
    t: () => panel.why.focus(), n: () => { numbers.open = !numbers.open; },
  };
}

/** The key's letter; on a keyboard of another script, that of its place. */
function nameOf(event) {
  const latin = event.key.length > 1 || /^[\x20-\x7e]$/.test(event.key);
  return (latin ? event.key : event.code.replace(/^Key/, "")).toLowerCase();
}

/** Whether the control that has the focus uses this key itself. */
function taken(target, name, inside) {
  const presses = name === " " || name === "enter";
  return Boolean(target.closest?.(inside ? "button, summary" : CONTROL)) && (presses || !inside);
}

function typed(reviewer, event) {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault();
  reviewer.root.focus({ preventScroll: true });
}
