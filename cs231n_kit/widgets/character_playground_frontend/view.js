// The character playground on the page, put together from its parts.

import { codePanel } from "../frontend/code_panel.js";
import { toolbar, undoKey } from "../frontend/controls.js";
import { Curve, digits } from "../frontend/curves.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { optimizerSelect } from "../frontend/optimizer_select.js";
import { trainingButtons, trainingKey, TrainingView, troubleText } from "../frontend/training_controls.js";
import { widgetModule } from "../frontend/view.js";
import { CharacterSession } from "./session.js";
import { presetControl, textBox } from "./text.js";
import { expectedBars, networkSettings, sample, unitControl, writingControls } from "./writing.js";

const KEYS = [
  ["Ctrl+Enter", "in the text: learn it"],
  ["Esc", "in the text: back to the one that is learned"],
  ["Space", "train or pause, once the writing has the focus"],
  ["S", "one update"],
  ["R", "start anew with the same weights"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

class CharacterView extends TrainingView {
  constructor(session, el) {
    super(session, el, "cs231n-characters");
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  build() {
    const { session } = this;
    const label = () => (session.facts.record[0] ? "Train on" : "Train");
    const play = trainingButtons(session, { label, restart: "Start anew" });
    const bar = element("div", { class: "bar", role: "group", "aria-label": "Train" },
      element("div", { class: "toolbar" }, ...this.keep(...play)), ...this.keep(counter(session)));
    const curves = [
      new Curve(session, "Loss per character", [[1, "train", "training"], [2, "test", "unread text"]], digits, null),
      new Curve(session, "Gradient norm", [[3, "train", "before clipping"], [4, "test", "after"]], digits, null),
    ];
    this.writing = element("div", { class: "plot-focus writing", tabindex: "0", role: "group",
      "aria-label": "What the network writes", "aria-describedby": this.helpId },
      ...this.keep(writingControls(session), sample(session)),
      element("div", { class: "beside" }, ...this.keep(expectedBars(session), unitControl(session))));
    return [
      ...this.keep(presetControl(session), notices(session, { author: "Python" })),
      element("div", { class: "main" }, ...this.keep(textBox(session)),
        element("div", { class: "settings" }, ...this.keep(...networkSettings(session), optimizerSelect(session, session.setup.rules))),
        ...this.keep(...curves)),
      element("div", { class: "right" }, bar, ...this.keep(troubleText(session)), this.writing),
      element("div", { class: "wide" }, ...this.keep(toolbar(session, this.announce, "CharacterPlayground")), this.status,
        ...this.keep(codePanel(session, this.announce)), helpText(this.helpId, KEYS)),
    ];
  }

  key(event) {
    if (event.target.matches("input, select, textarea")) return;
    if (undoKey(this.session, event, this.announce)) return;
    if (event.target === this.writing) trainingKey(this.session, event);
  }
}

function counter(session) {
  const node = element("span", { class: "counter" });
  const update = () => {
    const { record, rate, running } = session.facts;
    const speed = running && rate ? ` · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second` : "";
    node.textContent = `update ${record[0].toLocaleString("en")}${speed}`;
  };
  return { node, update };
}

export default widgetModule(CharacterSession, CharacterView);
