// Controls: each is { node, update }, and update() makes it show the session's state.

import { element, number, uniqueId } from "./elements.js";

// One of a few values, all in view; the arrow keys move between them.
export function choice(title, options, read, write) {
  const name = uniqueId("choice");
  const inputs = options.map(({ value, hint }) =>
    element("input", { type: "radio", name, value, "aria-label": hint ?? false, onchange: () => write(value) }),
  );
  const labels = options.map(({ text, hint }, i) => element("label", { title: hint ?? false }, inputs[i], text));
  const node = element("fieldset", { class: "choice" }, element("legend", {}, title), element("div", {}, ...labels));
  const update = () => {
    inputs.forEach((input, i) => (input.checked = options[i].value === read()));
    options.forEach(({ hidden }, i) => (labels[i].hidden = hidden?.() ?? false));
  };
  return { node, update };
}

// One of many values, in a list that opens; options are pairs [value, text].
export function select(title, options, read, write) {
  const items = options.map(([value, text]) => element("option", { value }, text));
  const input = element("select", { "aria-label": title, onchange: () => write(options[input.selectedIndex][0]) }, ...items);
  const node = element("label", { class: "select" }, element("span", {}, title), input);
  return { node, update: () => (input.selectedIndex = options.findIndex(([value]) => value === read())) };
}

// One of a list of numbers, an entry of the state; a value of Python's that is not in it is added.
export function numberSelect(session, title, values, name) {
  const input = element("select", { "aria-label": title, onchange: () => session.edit({ [name]: Number(input.value) }) });
  const node = element("label", { class: "select" }, element("span", {}, title), input);
  const update = () => {
    const value = session.state[name];
    const wanted = [...new Set([...values, value])].sort((a, b) => a - b);
    if (input.options.length !== wanted.length || ![...input.options].some((option) => Number(option.value) === value))
      input.replaceChildren(...wanted.map((item) => element("option", { value: item }, String(item))));
    input.selectedIndex = wanted.indexOf(value);
  };
  return { node, update };
}

// `rest` is called when the slider is let go; `format` makes the text beside it.
export function slider(title, range, step, read, write, rest, format = step < 1 ? number : String) {
  const value = element("output", {});
  const [min, max] = range;
  const input = element("input", { type: "range", min, max, step, "aria-label": title });
  input.addEventListener("input", () => write(Number(input.value)));
  input.addEventListener("change", rest);
  const node = element("label", { class: "slider" }, element("span", {}, title), input, value);
  const update = () => {
    if (Number(input.value) !== read()) input.value = read();
    value.textContent = format(read());
    input.setAttribute("aria-valuetext", value.textContent);
  };
  return { node, update };
}

export function checkbox(title, read, write) {
  const input = element("input", { type: "checkbox", onchange: () => write(input.checked) });
  const node = element("label", { class: "check" }, input, title);
  return { node, update: () => (input.checked = read()) };
}

// A control that is there only while `wanted` says so.
export function onlyIf(wanted, control) {
  const update = () => {
    control.node.hidden = !wanted();
    control.update();
  };
  return { node: control.node, update };
}

export function button(text, hint, act, isDisabled = () => false) {
  const node = element("button", { type: "button", title: hint, onclick: act }, text);
  return { node, update: () => (node.disabled = isDisabled()) };
}

// Undo and redo, a widget's own buttons, reset, and the state as text for Python's `constructor(state=...)`; one that
// needs more than a state is a pair, as ["Constructor", "data, "].
export function toolbar(session, announce, constructor, ...own) {
  const [name, first = ""] = [constructor].flat();
  const call = (state) => `${name}(${first}state=${state})`;
  const copied = element("input", { class: "copied", readonly: true, hidden: true, "aria-label": "State as text" });
  const copy = async () => {
    await session.settled();
    try {
      await navigator.clipboard.writeText(session.link);
      announce(`State copied: paste it into ${call('"…"')}`);
    } catch {
      // No clipboard without https: offer the text itself.
      Object.assign(copied, { hidden: false, value: session.link });
      copied.select();
      announce(`Copy the marked text: ${call('"…"')} shows this state again`);
    }
  };
  const parts = [
    button("Undo", "Undo (Ctrl+Z)", () => session.undo(), () => !session.past.length),
    button("Redo", "Redo (Ctrl+Shift+Z)", () => session.redo(), () => !session.future.length),
    ...own,
    button("Reset", "Back to how the widget started", () => session.reset()),
    button("Copy state", `Copy the state as text; ${call("...")} shows it again`, copy),
  ];
  const nodes = parts.map((part) => part.node);
  const node = element("div", { class: "toolbar", role: "group", "aria-label": "Edit" }, ...nodes, copied);
  return { node, update: () => parts.forEach((part) => part.update()) };
}

// Undo or redo, where the pressed keys mean that; returns whether they do.
export function undoKey(session, event, announce) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return false;
  const back = key === "z" && !event.shiftKey;
  announce((back ? session.undo() : session.redo()) ? (back ? "Undone" : "Done again") : "Nothing more to undo");
  event.preventDefault();
  event.stopPropagation();
  return true;
}
