// The line of text that is the network, what is wrong with it, and prepared ones.

import { numberSelect } from "../frontend/controls.js";
import { element, uniqueId } from "../frontend/elements.js";
import { preparedControl } from "../frontend/lessons.js";

const FILTER_CHOICES = [2, 4, 8, 16, 32, 64];
const UNIT_CHOICES = [16, 32, 64, 128, 256, 512];

export function presetControl(session) {
  const { presets, about } = session.setup;
  const otherwise = `Data: ${about}. Type a network below, or choose one here.`;
  return preparedControl(session, "Networks to try", presets, "preset", otherwise);
}

// The box to type in; a text that cannot be built stays in it, and is shown with its place.
export function textBox(session) {
  const box = element("input", { type: "text", class: "architecture", spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", maxlength: 500, "aria-label": "Architecture" });
  const reason = element("p", {});
  const marked = element("pre", {});
  const kept = element("p", { class: "hint" });
  const refusal = element("div", { class: "error refusal", role: "alert", hidden: true, id: uniqueId("refusal") }, reason, marked, kept);
  box.setAttribute("aria-describedby", refusal.id);
  let shown = null;
  let told = "";
  const apply = () => session.build(box.value.trim().replace(/\s+/g, " "));
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      box.value = session.state.architecture;
      if (session.refused) session.forget();
    }
    if (event.key === "Enter") apply();
  });
  box.addEventListener("change", apply);
  const update = () => {
    const { architecture } = session.state;
    if (session.refused) shown = null;
    else if (architecture !== shown) box.value = shown = architecture;
    const { problem, start, too_large: large, text = architecture } = session.refused ?? session.built;
    const words = JSON.stringify([problem, start, large, text, architecture]);
    if (words === told) return;
    told = words;
    refusal.hidden = !(problem || large);
    refusal.classList.toggle("large", Boolean(large));
    box.setAttribute("aria-invalid", Boolean(problem));
    reason.textContent = problem || large;
    marked.hidden = start === null;
    if (start !== null) marked.replaceChildren(text.slice(0, start), ...mark(text.slice(start)));
    kept.textContent = problem ? `The network is still ${architecture}. Esc in the text returns to it.` : "";
  };
  const build = element("button", { type: "button", title: "Build this network (Enter)", onclick: apply }, "Build");
  const row = element("div", { class: "typing" }, box, build);
  return { node: element("div", { class: "formula" }, row, refusal), update };
}

// The word at the beginning of a text is marked, or the end of the text.
function mark(rest) {
  const word = rest.match(/^(?:[A-Za-z]+|\d+|->|.)/)?.[0] ?? "";
  return [element("mark", {}, word || " "), rest.slice(word.length)];
}

export const sizeControls = (session) => [
  numberSelect(session, "Filters (first stage)", FILTER_CHOICES, "filters"),
  numberSelect(session, "Units of each FC", UNIT_CHOICES, "units"),
];
