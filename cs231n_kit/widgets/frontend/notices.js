// Errors in Python, its prints, its silence, and the list of keys.

import { element } from "./elements.js";

// `author` is whose code may fail or print, as "the classifier"; `hint(error)` is a sentence below the error, or "".
export function notices(session, { author, hint = () => "" }) {
  const error = element("div", { class: "error", role: "alert", hidden: true });
  const busy = element("p", { class: "busy", hidden: true },
    "Waiting for Python: it is busy with another cell. If the kernel was restarted, run this cell again.");
  const printed = element("pre", {});
  const output = element("details", { class: "printed", hidden: true }, element("summary", {}, `Printed by ${author}`), printed);
  let shown = null;
  const update = () => {
    busy.hidden = !session.busy;
    output.hidden = !session.printed;
    if (printed.textContent !== session.printed) printed.textContent = session.printed;
    const text = JSON.stringify(session.error);
    if (text === shown) return;
    shown = text;
    error.hidden = !session.error;
    error.replaceChildren(...(session.error ? errorText(session.error, hint(session.error)) : []));
  };
  return { node: element("div", { class: "notices" }, error, busy, output), update };
}

// An error in words, with the line it came from.
function errorText({ type, message, function: name, line, source }, hint) {
  const parts = [element("p", {}, element("b", {}, `${type}: `), message)];
  if (source) {
    const where = name === "<module>" ? `line ${line}` : `${name}, line ${line}`;
    parts.push(element("p", { class: "where" }, `in ${where}`), element("pre", {}, source));
  }
  return hint ? [...parts, element("p", { class: "hint" }, hint)] : parts;
}

// `keys` are pairs [key, what it does]; the list gets the id, for aria-describedby.
export function helpText(id, keys) {
  const rows = keys.flatMap(([key, text]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)]);
  return element("details", { class: "help" }, element("summary", {}, "Mouse and keys"), element("dl", { id }, ...rows));
}
