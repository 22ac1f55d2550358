// What sets the expression and the inputs.

import { element, uniqueId } from "../frontend/elements.js";

const tidy = (text) => text.split("\n").map((line) => line.trim()).join("\n").trim();

// The box to type in; what cannot be read or computed stays in it, and is shown with its place.
export function expressionBox(session) {
  const box = element("textarea", { class: "expression", rows: 1, spellcheck: "false", autocapitalize: "off",
    "aria-label": "Expression", maxlength: 2000 });
  const reason = element("p", {});
  const marked = element("pre", {});
  const kept = element("p", { class: "hint" });
  const refusal = element("div", { class: "error refusal", role: "alert", hidden: true, id: uniqueId("refusal") }, reason, marked, kept);
  box.setAttribute("aria-describedby", refusal.id);
  const examples = element("select", { "aria-label": "Examples" }, element("option", { value: "" }, "Examples …"),
    ...session.setup.presets.map(({ name }, i) => element("option", { value: i }, name)));
  let shown = null;
  let told = null;
  const apply = () => {
    box.value = tidy(box.value);
    if (box.value !== session.state.expression || session.refused) session.type(box.value);
  };
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") box.value = session.state.expression;
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    apply();
  });
  examples.addEventListener("change", () => {
    if (examples.value !== "") session.showExample(session.setup.presets[Number(examples.value)]);
    examples.value = "";
  });
  const update = () => {
    const { refused, state } = session;
    if (!refused && state.expression !== shown) box.value = shown = state.expression;
    box.rows = Math.min(Math.max(box.value.split("\n").length, Math.ceil(box.value.length / 70)), 6);
    const text = JSON.stringify(refused);
    if (text === told) return;
    told = text;
    refusal.hidden = !refused;
    box.setAttribute("aria-invalid", Boolean(refused));
    if (!refused) return;
    const { text: whole, start, end } = refused;
    reason.textContent = refused.reason;
    marked.replaceChildren(whole.slice(0, start), element("mark", {}, whole.slice(start, end) || " "), whole.slice(end));
    const typed = box.value === whole;
    kept.textContent = typed ? "The graph is the last one that worked." : "The inputs stay as they were.";
    if (typed && document.activeElement === box) box.setSelectionRange(start, end);
    if (!typed) shown = null;
  };
  const draw = element("button", { type: "button", title: "Draw this expression (Enter)", onclick: apply }, "Draw");
  const row = element("div", { class: "typing" }, box, draw, examples);
  return { node: element("div", { class: "formula" }, row, refusal), update };
}

// The inputs: values to type, and the gradient of each beside its numeric one.
export function inputsTable(session) {
  const heads = ["input", "value", "backward pass", "numeric"].map((text) => element("th", { scope: "col" }, text));
  const body = element("tbody", {});
  const table = element("table", { class: "inputs" }, element("thead", {}, element("tr", {}, ...heads)), body);
  const caption = element("p", { class: "hint" }, "numeric: (f(x + h) − f(x − h)) / 2h for each input x");
  let rows = {};
  const makeRow = (name) => {
    const field = element("input", { type: "number", step: 0.1, "aria-label": `Value of ${name}` });
    field.addEventListener("input", () => {
      if (field.value !== "" && Number.isFinite(field.valueAsNumber)) session.setValue(name, field.valueAsNumber, `type ${name}`);
    });
    field.addEventListener("keydown", (event) => event.stopPropagation());
    field.addEventListener("blur", () => {
      session.rest();
      field.value = session.state.values[name];
    });
    field.setAttribute("data-lm-suppress-shortcuts", "true");
    const cells = [element("td", { class: "grad" }), element("td", {})];
    const row = element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, field), ...cells);
    return { row, field, cells };
  };
  const update = () => {
    const { scene, state } = session;
    if (!scene) return;
    const names = scene.inputs.map(({ name }) => name);
    if (names.join() !== Object.keys(rows).join()) {
      rows = Object.fromEntries(names.map((name) => [name, makeRow(name)]));
      body.replaceChildren(...Object.values(rows).map(({ row }) => row));
    }
    const done = session.position === session.last;
    for (const { name, texts, agrees } of scene.inputs) {
      const { row, field, cells } = rows[name];
      if (document.activeElement !== field && name in state.values) field.value = state.values[name];
      cells[0].textContent = done ? texts[0] : "…";
      cells[1].textContent = texts[1];
      row.classList.toggle("differs", !agrees);
      row.title = agrees ? "" : "They differ: the function has a kink here, or is too steep for differences";
    }
  };
  const focus = (name) => {
    rows[name].field.focus();
    rows[name].field.select();
  };
  return { node: element("section", { "aria-label": "Inputs" }, table, caption), update, focus };
}
