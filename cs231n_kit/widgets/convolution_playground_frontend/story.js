// The sum behind one number, written out.

import { element } from "../frontend/elements.js";

export function storyPanel(session) {
  const title = element("p", { class: "title", role: "status" });
  const body = element("div", { class: "rows" });
  const sum = element("p", { class: "sum" });
  const note = element("p", { class: "note" });
  const node = element("section", { class: "story", "aria-label": "The sum written out" }, title, body, sum, note);
  let told = "";
  const update = () => {
    node.hidden = session.isField;
    const text = JSON.stringify(session.story);
    if (!session.story || text === told) return;
    told = text;
    const { story } = session;
    for (const [part, words] of [[title, story.title], [sum, story.sum], [note, story.note]]) {
      part.textContent = words;
      part.hidden = !words;
    }
    body.replaceChildren(...story.rows.map(row));
  };
  return { node, update };
}

function row({ label, lines, total }) {
  const written = lines.map((line) => element("div", { class: "line" }, line));
  const result = total === null ? [] : [element("div", { class: "total" }, `= ${total}`)];
  return element("div", { class: "row" }, element("div", { class: "label" }, label), ...written, ...result);
}
