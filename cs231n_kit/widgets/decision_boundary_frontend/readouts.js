// What tells about the vote at the pointer, the classifier's errors and the keys.

import { element, number, placeText, swatch, verdictText } from "./elements.js";

// Who votes at the pointer: the label, a bar of the votes, and the neighbours' distances.
export function readout(session) {
  const node = element("section", { class: "readout", "aria-label": "Vote at the pointer" });
  let shown;
  const update = () => {
    const { place, setup } = session;
    const probe = place ? session.probe : null;
    node.hidden = Boolean(session.error);
    if (probe === shown || (place && !probe)) return;
    shown = probe;
    if (!probe) {
      return node.replaceChildren(element("p", { class: "hint" }, "Rest the pointer on the plot to see who votes there."));
    }
    const icon = probe.tied ? "" : swatch(setup, probe.label);
    const heading = element("p", { class: "verdict" }, icon, element("b", {}, verdictText(probe)), ` at ${placeText(probe.place)}`);
    node.replaceChildren(heading, ...voteBars(session), ...distanceLine(probe));
  };
  return { node, update };
}

function voteBars({ probe, state, setup }) {
  const { votes, text } = countVotes(probe, state);
  if (!votes) return [];
  const total = votes.reduce((sum, vote) => sum + vote, 0);
  const parts = votes.map((vote, label) => {
    if (!vote) return "";
    const style = `flex: ${vote / total}; background: ${setup.colors[label]}`;
    return element("span", { style, title: `class ${label}: ${text(vote)}` }, text(vote));
  });
  return [element("div", { class: "votes" }, ...parts)];
}

// Votes are counted where the neighbours are known, else shares or scores are shown as they are.
function countVotes({ neighbors, scores }, { labels, classes }) {
  if (neighbors) {
    const votes = Array(classes).fill(0);
    for (const index of neighbors) votes[labels[index]] += 1;
    return { votes, text: (vote) => String(vote) };
  }
  const shares = scores?.every((score) => score >= 0) && Math.abs(scores.reduce((a, b) => a + b, 0) - 1) < 1e-6;
  return shares ? { votes: scores, text: (share) => `${Math.round(100 * share)}%` } : {};
}

function distanceLine({ neighbors, distances, scores }) {
  if (!neighbors) return scores ? [element("p", {}, `scores ${scores.map((s) => number(s)).join(" · ")}`)] : [];
  const shown = distances.slice(0, 6).map((distance) => number(distance)).join(" · ");
  const more = distances.length > 6 ? " · …" : "";
  const what = distances.length === 1 ? "nearest point, distance" : `${distances.length} nearest points, distances`;
  return [element("p", {}, `${what} ${shown}${more}`)];
}

// An error of the classifier, in words, with the line it came from.
export function notices(session) {
  const error = element("div", { class: "error", role: "alert", hidden: true });
  const busy = element("p", { class: "busy", hidden: true },
    "Waiting for Python: it is busy with another cell. If the kernel was restarted, run this cell again.");
  const printed = element("pre", {});
  const output = element("details", { class: "printed", hidden: true }, element("summary", {}, "Printed by the classifier"), printed);
  let shown = null;
  const update = () => {
    busy.hidden = !session.busy;
    output.hidden = !session.printed;
    if (printed.textContent !== session.printed) printed.textContent = session.printed;
    const text = JSON.stringify(session.error);
    if (text === shown) return;
    shown = text;
    error.hidden = !session.error;
    error.replaceChildren(...(session.error ? errorText(session.error, session.frame) : []));
  };
  return { node: element("div", { class: "notices" }, error, busy, output), update };
}

function errorText({ part, type, message, function: name, line, source }, frame) {
  const parts = [element("p", {}, element("b", {}, `${type}: `), message)];
  if (source) {
    const where = name === "<module>" ? `line ${line}` : `${name}, line ${line}`;
    parts.push(element("p", { class: "where" }, `in ${where}`), element("pre", {}, source));
  }
  const hint = "The regions are the last that worked; they come back with the next good answer.";
  return part === "regions" && frame ? [...parts, element("p", { class: "hint" }, hint)] : parts;
}

export function helpText(id) {
  const keys = [
    ["Drag", "move a point"],
    ["Click", "add a point"],
    ["Shift-click", "remove a point"],
    ["[  ] or P N", "select the previous or next point"],
    ["Arrows", "move the selected point (Shift: further), or the cross"],
    ["Enter", "add a point at the cross or beside the selected point"],
    ["Delete", "remove the selected point"],
    ["1 to 6", "choose the class of new points"],
    ["C", "give the selected point that class"],
    ["Esc", "select nothing"],
    ["Ctrl+Z", "undo; with Shift redo"],
  ];
  const rows = keys.flatMap(([key, text]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)]);
  return element("details", { class: "help" }, element("summary", {}, "Mouse and keys"), element("dl", { id }, ...rows));
}
