// Numbers and times as Python's `quantities` and `gallery` write them.
import { roundHalfEven } from "./explorer_data.js";

export function number(value) { return value.toLocaleString("en-US").replaceAll(",", "\u202f"); }
export function percent(share) { return `${(share * 100).toFixed(1)}\u202f%`; }

/** 82.44 -> "01:22.4"; an hour and more as "1:02:03.4". */
export function clock(seconds) {
  const tie = Number.isInteger(seconds * 4); // quarters lie just between two tenths; Python takes the even one
  const tenths = tie ? roundHalfEven(seconds * 10) : Math.round(Number(seconds.toFixed(1)) * 10);
  const minutes = Math.floor(tenths / 600), hours = Math.floor(minutes / 60);
  const two = (value) => String(value).padStart(2, "0"), rest = tenths - 600 * minutes;
  const text = `${two(minutes % 60)}:${two(Math.floor(rest / 10))}.${rest % 10}`;
  return hours ? `${hours}:${text}` : text;
}
