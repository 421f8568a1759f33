// Keeps the reviewer's name in this tab, so that a reload does not ask again; closing the tab forgets it, so that the
// next person at this machine does not decide under somebody else's name.

const KEY = "dataeff-reviewer";

export default function ({ data, setStateValue }) {
  let kept = "";
  try {
    kept = sessionStorage.getItem(KEY) ?? "";
    if (data.name || data.forget) sessionStorage.setItem(KEY, data.name);
  } catch {
    return; // the browser keeps nothing; then the name is typed once a visit
  }
  if (!data.name && !data.forget && kept) setStateValue("name", kept);
}
