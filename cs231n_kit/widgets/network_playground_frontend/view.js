// The network playground on the page, put together from its parts.

import { codePanel } from "../frontend/code_panel.js";
import { toolbar } from "../frontend/controls.js";
import { accuracyCurves, lossCurves } from "./curves.js";
import { Diagram } from "./diagram.js";
import { element } from "../frontend/elements.js";
import { addLayerButton } from "./layers.js";
import { lessonControl } from "../frontend/lessons.js";
import { helpText, notices } from "../frontend/notices.js";
import { PLANE_KEYS } from "../frontend/plane.js";
import { brushControl, removeButton, sampleButton } from "../frontend/plane_controls.js";
import { PlaygroundPlane } from "./playground_plane.js";
import { PlaygroundSession } from "./session.js";
import { dataSettings, trainingSettings } from "./settings.js";
import { paceControl, trainingButtons, trainingKey, TrainingView } from "../frontend/training_controls.js";
import { widgetModule } from "../frontend/view.js";
import { counter, unitReadout, warnings } from "./words.js";

const PLAYGROUND_KEYS = [
  ["Space", "play or pause, from the plane or a unit"],
  ["S", "one step"],
  ["R", "restart"],
  ["Arrows", "from unit to unit, once one has the focus"],
  ...PLANE_KEYS,
  ["T", "make the selected point a test or a training point"],
];

class PlaygroundView extends TrainingView {
  constructor(session, el) {
    super(session, el, "cs231n-playground");
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  build() {
    const { session } = this;
    this.plane = new PlaygroundPlane(session, this.announce, this.helpId);
    this.diagram = new Diagram(session);
    const play = this.keep(...trainingButtons(session, { label: () => "Play", seed: "network_seed" }), addLayerButton(session));
    const edit = [removeButton(session, this.plane), sampleButton(session)];
    const tools = this.keep(brushControl(session), toolbar(session, this.announce, "NetworkPlayground", ...edit));
    const outcome = this.keep(lossCurves(session), accuracyCurves(session), unitReadout(session));
    const told = this.keep(warnings(session), notices(session, { author: "Python" }));
    const bar = element("div", { class: "bar", role: "group", "aria-label": "Train" },
      element("div", { class: "toolbar" }, ...play), ...this.keep(paceControl(session, { slow: 5, medium: 100 }), counter(session)));
    const legend = element("p", { class: "legend" }, "Lines are weights, pictures the units' outputs: ",
      element("span", { class: "below" }, "below 0"), " ", element("span", { class: "above" }, "above 0"));
    legend.style.setProperty("--below", session.setup.signs.negative);
    legend.style.setProperty("--above", session.setup.signs.positive);
    return [
      ...this.keep(lessonControl(session)),
      bar,
      ...told,
      element("div", { class: "scroll" }, ...this.keep(this.diagram)),
      element("div", { class: "stage" }, this.plane.canvas, ...tools, this.status),
      element("div", { class: "outcome" }, legend, ...outcome),
      element("div", { class: "side" }, ...this.keep(...dataSettings(session), ...trainingSettings(session))),
      element("div", { class: "wide" }, ...this.keep(codePanel(session, this.announce)), helpText(this.helpId, PLAYGROUND_KEYS)),
    ];
  }

  key(event) {
    if (event.target.matches(".plot, .unit:not(.feature)")) trainingKey(this.session, event);
  }

  paint(now) {
    if (now) this.plane.draw();
    else this.plane.update();
    if (now) this.diagram.draw();
  }

  remove() {
    super.remove();
    this.plane.observer.disconnect();
    this.diagram.observer.disconnect();
  }
}

export default widgetModule(PlaygroundSession, PlaygroundView);
