// The text that is learned, what is wrong with it, and prepared ones.

import { button } from "../frontend/controls.js";
import { element, uniqueId } from "../frontend/elements.js";
import { preparedControl } from "../frontend/lessons.js";

export function presetControl(session) {
  const otherwise = "Write or paste a text of your own below, or choose one here. Then train, and read what comes out.";
  return preparedControl(session, "Texts to try", session.setup.presets, "preset", otherwise);
}

// The box to type in; a text that cannot be learned stays in it, and the reason stands below.
export function textBox(session) {
  const box = element("textarea", { class: "text-box", rows: 9, spellcheck: "false", "aria-label": "Text to learn" });
  const refusal = element("p", { class: "error refusal", role: "alert", hidden: true, id: uniqueId("refusal") });
  const count = element("p", { class: "hint count" });
  box.setAttribute("aria-describedby", refusal.id);
  const apply = () => session.read(box.value);
  const learn = button("Learn this text", "Begin anew with this text (Ctrl+Enter in it)", apply, () => box.value === known());
  const known = () => session.refused?.text ?? session.state.text;
  let shown = null;
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      box.value = session.state.text;
      if (session.refused) session.forget();
      tell();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      apply();
    }
  });
  const tell = () => {
    learn.update();
    const length = [...box.value].length;
    const [characters, different, held] = session.facts.characters;
    const unread = held ? `, the last ${held.toLocaleString("en")} kept from training` : "";
    const words = box.value !== known()
      ? `${length.toLocaleString("en")} characters (at most ${session.setup.longest.toLocaleString("en")}), not learned yet`
      : `${characters.toLocaleString("en")} characters, ${different} different${unread}`;
    if (count.textContent !== words) count.textContent = words;
  };
  box.addEventListener("input", tell);
  const update = () => {
    const { text } = session.state;
    if (session.refused) shown = null;
    else if (text !== shown) box.value = shown = text;
    const problem = session.refused ? `${session.refused.problem} The network goes on with the text before; Esc in the box returns to it.` : "";
    if (refusal.textContent !== problem) refusal.textContent = problem;
    refusal.hidden = !problem;
    box.setAttribute("aria-invalid", Boolean(problem));
    tell();
  };
  const foot = element("div", { class: "foot" }, learn.node, count);
  return { node: element("div", { class: "learned" }, box, foot, refusal), update };
}
