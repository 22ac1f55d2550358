// SignalThroughDepth on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { lessonControl } from "../frontend/lessons.js";
import { helpText, notices } from "../frontend/notices.js";
import { paceControl, trainingButtons, trainingKey, TrainingView } from "../frontend/training_controls.js";
import { widgetModule } from "../frontend/view.js";
import { Depth } from "./depth.js";
import { lossCurve, unitsCurve } from "./history.js";
import { SignalSession } from "./session.js";
import { networkSettings, trainingSettings } from "./settings.js";
import { counter, diagnosis, readout } from "./words.js";

const SIGNAL_KEYS = [
  ["Mouse, tap", "the numbers of a layer; a click keeps them"],
  ["← →", "from layer to layer, once the picture has the focus; Home and End, Escape to let go"],
  ["Space", "train or pause"],
  ["S", "one step"],
  ["R", "restart"],
  ["Bars with a gap", "are cut: they are longer than drawn"],
];

class SignalView extends TrainingView {
  constructor(session, el) {
    super(session, el, "cs231n-signal");
    this.depth.node.addEventListener("keydown", (event) => trainingKey(session, event));
  }

  build() {
    const { session } = this;
    this.depth = new Depth(session, this.helpId);
    const bar = element("div", { class: "bar", role: "group", "aria-label": "Train" },
      element("div", { class: "toolbar" }, ...this.keep(...trainingButtons(session, { label: () => "Train" }))),
      ...this.keep(paceControl(session, { slow: 3, medium: 15 }), counter(session)));
    return [
      ...this.keep(lessonControl(session)),
      bar,
      ...this.keep(notices(session, { author: "Python" })),
      element("div", { class: "layers" }, ...this.keep(this.depth, readout(session))),
      element("div", { class: "side" }, ...this.keep(...networkSettings(session), ...trainingSettings(session),
        lossCurve(session), unitsCurve(session))),
      ...this.keep(diagnosis(session)),
      element("div", { class: "wide" }, ...this.keep(toolbar(session, this.announce, "SignalThroughDepth")), this.status,
        helpText(this.helpId, SIGNAL_KEYS)),
    ];
  }

  paint(now) {
    this.depth.paint(now);
  }

  remove() {
    super.remove();
    this.depth.observer.disconnect();
  }
}

export default widgetModule(SignalSession, SignalView);
