// Prepared settings with a sentence or two about each; `session.study(name)` shows one.

import { select } from "./controls.js";
import { element } from "./elements.js";

// `entry` of the state is the name of what was chosen; `otherwise` is said where nothing was.
export function preparedControl(session, title, prepared, entry, otherwise = "") {
  const options = [["", "Choose one …"], ...prepared.map(({ name, title }) => [name, title])];
  const control = select(title, options, () => session.state[entry], (name) => name && session.study(name));
  const text = element("p", { class: "text", role: "status" });
  const update = () => {
    control.update();
    const words = prepared.find(({ name }) => name === session.state[entry])?.text ?? otherwise;
    if (text.textContent !== words) text.textContent = words;
  };
  return { node: element("div", { class: "lesson" }, control.node, text), update };
}

export const lessonControl = (session) => preparedControl(session, "Things to see", session.setup.lessons, "lesson");
