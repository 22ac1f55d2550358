// What tells about the vote at the pointer.

import { element, number, placeText, swatch } from "../frontend/elements.js";

export const verdictText = ({ tied, label }) => (tied ? "tied vote" : `class ${label}`);

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
