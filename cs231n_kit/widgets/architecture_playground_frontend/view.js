// The architecture playground on the page, put together from its parts.

import { codePanel } from "../frontend/code_panel.js";
import { toolbar } from "../frontend/controls.js";
import { Curve, digits, percent } from "../frontend/curves.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { filterGrid, imageControls, imagePair, lookingControls, mapGrid, probabilityBars } from "./looking.js";
import { photograph } from "./photograph.js";
import { ArchitectureSession } from "./session.js";
import { layerTable } from "./table.js";
import { presetControl, sizeControls, textBox } from "./text.js";
import { playButtons, trainingSettings, trainingState } from "./training.js";
import { TrainingView, troubleText } from "../frontend/training_controls.js";
import { widgetModule } from "../frontend/view.js";

const KEYS = [
  ["Enter", "in the text: build the network"],
  ["Space", "train or pause, from anywhere but a control"],
  ["S", "one update"],
  ["R", "start anew with the same weights"],
  ["↑ ↓", "from layer to layer, once one has the focus"],
  ["P N", "previous or next image"],
  ["G", "activations or gradients"],
  ["Ctrl+V", "look at the image on the clipboard"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

class ArchitectureView extends TrainingView {
  constructor(session, el) {
    super(session, el, "cs231n-architecture");
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.photograph.listen(this.root);
  }

  build() {
    const { session } = this;
    this.photograph = photograph(session, this.announce);
    const images = imageControls(session);
    this.steps = { p: images[0].node, n: images[1].node };
    const bar = element("div", { class: "bar", role: "group", "aria-label": "Train" },
      element("div", { class: "toolbar" }, ...this.keep(...playButtons(session))), ...this.keep(trainingState(session)));
    const curves = [
      new Curve(session, "Loss", [[1, "train", "training"], [2, "test", "validation"]], digits, null),
      new Curve(session, "Accuracy", [[3, "test", "validation"]], percent, 1),
    ];
    const image = element("div", { class: "looked" }, ...this.keep(imagePair(session)),
      element("div", { class: "toolbar" }, ...this.keep(...images)), ...this.keep(this.photograph, probabilityBars(session)));
    const inside = element("div", { class: "inside" },
      element("div", { class: "switches" }, ...this.keep(...lookingControls(session))), ...this.keep(mapGrid(session), filterGrid(session)));
    this.inside = element("div", { class: "plot-focus", tabindex: "0", role: "group",
      "aria-label": "What the network makes of an image", "aria-describedby": this.helpId }, image, inside);
    return [
      ...this.keep(presetControl(session), textBox(session)),
      ...this.keep(notices(session, { author: "Python" })),
      element("div", { class: "main" }, ...this.keep(layerTable(session))),
      element("div", { class: "side" }, element("div", { class: "settings" },
        ...this.keep(...sizeControls(session), ...trainingSettings(session))), bar, ...this.keep(troubleText(session, () => !session.facts.network), ...curves)),
      this.inside,
      element("div", { class: "wide" }, ...this.keep(toolbar(session, this.announce, ["ArchitecturePlayground", "data, "])), this.status,
        ...this.keep(codePanel(session, this.announce)), helpText(this.helpId, KEYS)),
    ];
  }

  key(event) {
    const { session } = this;
    if (event.target.matches("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      if (event.shiftKey) session.redo();
      else session.undo();
    } else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === " " && !event.target.matches("button, summary")) session.facts.network && session.toggle();
    else if (key === "s" || key === "r") session.facts.network && session.command(key === "s" ? "step" : "restart");
    else if (key === "g") session.edit({ gradients: !session.state.gradients });
    else if (this.steps[key]) this.steps[key].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default widgetModule(ArchitectureSession, ArchitectureView);
