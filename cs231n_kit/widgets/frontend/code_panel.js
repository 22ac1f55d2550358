// The program that repeats what one sees.

import { button } from "./controls.js";
import { element } from "./elements.js";

// The kit's code that makes the same network; it is asked for while the panel is open and nothing runs.
export function codePanel(session, announce) {
  const source = element("pre", { tabindex: "0", "aria-label": "Program" });
  const copy = button("Copy the code", "Copy the program", async () => {
    try {
      await navigator.clipboard.writeText(session.code);
      announce("Program copied");
    } catch {
      getSelection().selectAllChildren(source); // no clipboard without https
      announce("Copy the marked program");
    }
  });
  const hint = element("p", { class: "hint" });
  const node = element("details", { class: "code", ontoggle: () => update() },
    element("summary", {}, "Show me the code"), hint, source, copy.node);
  let asked = "";
  const update = () => {
    if (!node.open) return;
    hint.textContent = session.running
      ? "Pause to see the program up to this step."
      : "This program makes the same data and network, and trains it to the same numbers.";
    if (source.textContent !== session.code) source.textContent = session.code;
    const wanted = `${session.facts.record[0]} ${JSON.stringify(session.state)}`;
    if (session.running || session.inFlight || wanted === asked) return;
    asked = wanted;
    session.ask({ parts: ["code"] });
  };
  return { node, update };
}
