// The regression widget on the page, put together from its parts.

import { checkbox, slider, toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { PLANE_KEYS } from "../frontend/plane.js";
import { noiseControl, presetControl, removeButton, sampleButton } from "../frontend/plane_controls.js";
import { lossTable } from "./readouts.js";
import { RegressionPlane } from "./regression_plane.js";
import { RegressionSession } from "./session.js";
import { PlaneView } from "../frontend/plane_view.js";
import { widgetModule } from "../frontend/view.js";

const KEYS = PLANE_KEYS.filter(([key]) => !["1 to 6", "C"].includes(key));
const SHOWN = { show_l2: "L2: least squares", show_l1: "L1: least absolute values", show_bins: "Bins: softmax over y" };

class RegressionView extends PlaneView {
  constructor(session, el) {
    super(session, el, "cs231n-regression");
  }

  build() {
    const { session } = this;
    this.plane = new RegressionPlane(session, this.announce, this.helpId);
    const edit = [removeButton(session, this.plane), sampleButton(session)];
    const tools = this.keep(toolbar(session, this.announce, "RegressionPlane", ...edit));
    const shown = Object.entries(SHOWN).map(([name, title]) =>
      checkbox(title, () => session.state[name], (value) => session.edit({ [name]: value })));
    const writeBins = (bins) => session.edit({ bins }, { step: "bins", draft: true });
    const side = this.keep(
      presetControl(session),
      noiseControl(session),
      ...shown,
      slider("Bins", session.setup.ranges.bins, 1, () => session.state.bins, writeBins, () => session.rest()),
      lossTable(session),
      notices(session, { author: "Python" }),
    );
    return [
      element("div", { class: "stage" }, this.plane.canvas, ...tools, this.status),
      element("div", { class: "side" }, ...side, helpText(this.helpId, KEYS)),
    ];
  }
}

export default widgetModule(RegressionSession, RegressionView);
