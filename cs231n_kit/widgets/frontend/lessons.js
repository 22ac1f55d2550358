// Prepared settings with a sentence or two about them; `session.study(name)` shows one.

import { select } from "./controls.js";
import { element } from "./elements.js";

export function lessonControl(session) {
  const { lessons } = session.setup;
  const options = [["", "Choose one …"], ...lessons.map(({ name, title }) => [name, title])];
  const control = select("Things to see", options, () => session.state.lesson, (name) => name && session.study(name));
  const text = element("p", { class: "text", role: "status" });
  const update = () => {
    control.update();
    const words = lessons.find(({ name }) => name === session.state.lesson)?.text ?? "";
    if (text.textContent !== words) text.textContent = words;
  };
  return { node: element("div", { class: "lesson" }, control.node, text), update };
}
