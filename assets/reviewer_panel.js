// What one decides with: three large buttons, the short list of reasons, words of one's own, and the keys.
import { element } from "./explorer_limits.js";

export class Panel {
  constructor(words, reasons, act) {
    this.words = words;
    const big = (name, key, style) => element("button", {
      type: "button", class: `big ${style}`, title: words[`${name}_help`], "data-act": name, onclick: () => act(name),
    }, element("kbd", { text: key }), element("span", { text: words[name] }));
    this.big = [big("keep", "K", "keep"), big("drop", "D", "drop"), big("undo", "U", "undo")];
    this.why = element("input", { type: "text", maxlength: 2000, placeholder: words.why_hint, "aria-label": words.why, class: "own", autocomplete: "off" });
    const listed = (action) => element("div", { class: `reasons ${action}`, role: "group", "aria-label": words[`${action}_because`] },
      element("p", { class: "label", text: words[`${action}_because`] }),
      ...reasons.filter((one) => one.action === action).map((one) => element("button", {
        type: "button", class: "reason", "data-code": one.code, onclick: () => act(action, one.code),
      }, element("kbd", { text: one.digit }), element("span", { text: one.text }))));
    this.notice = element("p", { class: "notice", role: "status", "aria-live": "polite" });
    this.root = element("div", { class: "panel" }, this.notice, ...this.big, listed("keep"), listed("drop"),
      element("label", { class: "label", text: words.why }, element("kbd", { text: "T" }), this.why),
      element("details", { class: "keys" }, element("summary", { text: words.keys_title }),
        element("ul", {}, ...words.keys.split(" · ").map((text) => element("li", { text })))));
  }

  /** Take what was typed, and empty the field. */
  takeWhy() {
    const typed = this.why.value.trim();
    this.why.value = "";
    return typed;
  }

  allow(yes) {
    for (const button of this.root.querySelectorAll("button")) button.disabled = !yes;
    this.why.disabled = !yes;
  }

  say(text) { this.notice.textContent = text; this.notice.hidden = !text; }
}
