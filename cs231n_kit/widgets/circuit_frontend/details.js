// All about one node: what it computes, its local derivatives, and what the chain rule makes of them.

import { element } from "../frontend/elements.js";

export function detailsPanel(session) {
  const node = element("section", { class: "details", "aria-label": "The node" });
  let told = null;
  const update = () => {
    const { scene, shown } = session;
    const text = JSON.stringify([shown, session.position, scene]);
    if (text === told) return;
    told = text;
    if (!scene || shown < 0) node.replaceChildren(element("p", { class: "hint" }, "Rest the pointer on a node to read about it."));
    else node.replaceChildren(...story(scene, shown, session.position));
  };
  return { node, update };
}

function story(scene, index, step) {
  const { details, computed, complete } = scene.nodes[index];
  const known = step >= computed;
  const sent = scene.wires.some(({ to, arrives }) => to === index && step >= arrives);
  const heading = element("p", { class: "title" }, details.title, known ? element("span", { class: "value" }, ` ${details.value}`) : "");
  const parts = [heading];
  if (!known) return [...parts, element("p", { class: "hint" }, "Not computed yet: its operands come first.")];
  const waiting = "Its gradient is not complete yet: the backward pass has not come this far.";
  parts.push(step >= complete ? element("p", { class: "grad" }, details.gradient) : element("p", { class: "hint" }, waiting));
  const rows = details.rows.map(({ to, derivative, product, upstream, local, share }) => {
    const ruled = derivative.endsWith(`= ${local}`) ? derivative : `${derivative} = ${local}`;
    const result = element("span", { class: "grad" }, ` ${product} = ${upstream} · ${local.startsWith("−") ? `(${local})` : local} = `, element("b", {}, share));
    return element("li", {}, element("span", { class: "local" }, ruled), sent ? element("span", {}, `, so ${to} gets`, result) : "");
  });
  if (rows.length) parts.push(element("ul", {}, ...rows));
  if (details.note) parts.push(element("p", { class: "note" }, details.note));
  return parts;
}
