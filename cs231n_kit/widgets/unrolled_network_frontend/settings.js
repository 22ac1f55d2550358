// The sequence, and the network that reads it.

import { choice } from "../frontend/controls.js";
import { element, uniqueId } from "../frontend/elements.js";

const EXAMPLES = { letters: "hello", numbers: "1, 0, 0, 0, 1" };

export function unrolledSettings(session) {
  const box = sequenceBox(session);
  const options = (values, text) => values.map((value) => ({ value, text: text(value) }));
  const cell = choice("Cell", options(session.setup.choices.cell, (value) => value.toUpperCase()), () => session.state.cell,
    (value) => session.read({ cell: value }));
  const reads = choice("Reads", options(session.setup.choices.reads, (value) => value), () => session.state.reads,
    (value) => session.read({ reads: value, sequence: EXAMPLES[value] }));
  const [least, most] = session.setup.ranges.hidden;
  const counts = Array.from({ length: most - least + 1 }, (_, i) => ({ value: String(least + i), text: String(least + i) }));
  const hidden = choice("Hidden units", counts, () => String(session.state.hidden), (value) => session.read({ hidden: Number(value) }));
  const controls = [box, cell, reads, hidden];
  const node = element("div", { class: "bar settings" }, box.node, cell.node, reads.node, hidden.node);
  return { node: element("div", {}, node, box.refusal), update: () => controls.forEach((control) => control.update()) };
}

// What cannot be read stays in the box, with the reason below it; the picture stays the last good one.
function sequenceBox(session) {
  const refusal = element("div", { class: "error refusal", role: "alert", hidden: true, id: uniqueId("refusal") });
  const input = element("input", { type: "text", class: "sequence", maxlength: 120, spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", "aria-label": "Sequence", "aria-describedby": refusal.id });
  let shown = null;
  let told = null;
  const apply = () => {
    if (input.value !== session.state.sequence || session.refused) session.read({ sequence: input.value });
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") input.value = session.state.sequence;
    if (event.key !== "Enter") return;
    event.preventDefault();
    apply();
  });
  const read = element("button", { type: "button", title: "Read this sequence (Enter)", onclick: apply }, "Read");
  const update = () => {
    const { refused, state } = session;
    node.classList.toggle("long", state.sequence.length > 24);
    if (!refused && state.sequence !== shown) input.value = shown = state.sequence;
    if (refused !== told) {
      told = refused;
      refusal.hidden = !refused;
      input.setAttribute("aria-invalid", Boolean(refused));
      refusal.replaceChildren(...(refused ? [element("p", {}, `${refused[0].toUpperCase()}${refused.slice(1)}.`),
        element("p", { class: "hint" }, "The picture is the last one that could be drawn.")] : []));
      if (refused) shown = null;
    }
  };
  const node = element("div", { class: "reading" }, element("label", {}, element("span", { class: "title" }, "Sequence"), input), read);
  return { node, refusal, update };
}
