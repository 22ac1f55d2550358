// The linear classifier on the page, put together from its parts.

import { button, select, slider, toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { exampleTable } from "./examples.js";
import { LinearPlane } from "./linear_plane.js";
import { lossCurve, lossReadout } from "./losses.js";
import { helpText, notices } from "../frontend/notices.js";
import { parameterTable } from "./parameters.js";
import { PLANE_KEYS } from "../frontend/plane.js";
import { brushControl, noiseControl, presetControl, removeButton, sampleButton } from "../frontend/plane_controls.js";
import { LinearSession } from "./session.js";
import { PlaneView } from "../frontend/plane_view.js";
import { widgetModule } from "../frontend/view.js";

const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const STRENGTHS = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const KEYS = [
  ["Drag a line", "change b"],
  ["Drag an arrow", "change w₁, w₂ and b"],
  ["S", "one step"],
  ["Space", "run or pause"],
  ...PLANE_KEYS,
];

// A slider over a list of values; it stands at the nearest, the text tells the value itself.
function listSlider(session, title, values, name) {
  const near = (value) => values.reduce((best, other, i) =>
    Math.abs(Math.log((other + 1e-4) / (value + 1e-4))) < Math.abs(Math.log((values[best] + 1e-4) / (value + 1e-4))) ? i : best, 0);
  const write = (index) => session.edit({ [name]: values[index] }, { step: name, draft: true });
  return slider(title, [0, values.length - 1], 1, () => near(session.state[name]), write, () => session.rest(),
    () => String(session.state[name]));
}

class LinearView extends PlaneView {
  constructor(session, el) {
    super(session, el, "cs231n-linear");
  }

  build() {
    const { session } = this;
    this.plane = new LinearPlane(session, this.announce, this.helpId);
    const run = button("Run", "Step after step (Space)", () => session.run());
    const runState = { node: run.node, update: () => (run.node.textContent = session.running ? "Pause" : "Run") };
    run.node.classList.add("run");
    const train = this.keep(
      button("Step", "One step of gradient descent (S)", () => session.stepOnce()),
      runState,
      button("Randomise", "New random weights, b = 0", () => session.randomize()),
    );
    const edit = [removeButton(session, this.plane), sampleButton(session)];
    const tools = this.keep(toolbar(session, this.announce, "LinearClassifierPlane", ...edit));
    const data = this.keep(presetControl(session), noiseControl(session), brushControl(session));
    const model = this.keep(
      select("Loss", session.setup.losses, () => session.state.loss, (loss) => session.edit({ loss })),
      listSlider(session, "λ", STRENGTHS, "regularization"),
      listSlider(session, "Step size", RATES, "learning_rate"),
      parameterTable(session),
    );
    const outcome = this.keep(lossReadout(session), lossCurve(session), notices(session, { author: "Python" }));
    const training = element("div", { class: "toolbar train", role: "group", "aria-label": "Train" }, ...train);
    return [
      element("div", { class: "stage" }, this.plane.canvas, ...tools, this.status, ...data),
      element("div", { class: "side" }, ...model, training, ...outcome, helpText(this.helpId, KEYS)),
      ...this.keep(exampleTable(session)),
    ];
  }
}

export default widgetModule(LinearSession, LinearView);
