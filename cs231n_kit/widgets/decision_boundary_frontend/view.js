// The decision boundary on the page, put together from its parts.

import { classifierControls } from "./controls.js";
import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { PLANE_KEYS } from "../frontend/plane.js";
import {
  brushControl,
  classesControl,
  noiseControl,
  presetControl,
  removeButton,
  sampleButton,
} from "../frontend/plane_controls.js";
import { Plot } from "./plot.js";
import { readout } from "./readouts.js";
import { BoundarySession } from "./session.js";
import { PlaneView } from "../frontend/plane_view.js";
import { widgetModule } from "../frontend/view.js";

const LAST_GOOD = "The regions are the last that worked; they come back with the next good answer.";

class BoundaryView extends PlaneView {
  constructor(session, el) {
    super(session, el, "cs231n-boundary");
  }

  build() {
    const { session } = this;
    this.plane = new Plot(session, this.announce, this.helpId);
    const hint = ({ part }) => (part === "regions" && session.frame ? LAST_GOOD : "");
    const side = this.keep(
      presetControl(session),
      classesControl(session),
      noiseControl(session),
      ...classifierControls(session),
      brushControl(session),
      notices(session, { author: "the classifier", hint }),
      readout(session),
    );
    const edit = [removeButton(session, this.plane), sampleButton(session)];
    const tools = this.keep(toolbar(session, this.announce, "DecisionBoundary", ...edit));
    return [
      element("div", { class: "stage" }, this.plane.canvas, ...tools, this.status),
      element("div", { class: "side" }, ...side, helpText(this.helpId, PLANE_KEYS)),
    ];
  }
}

export default widgetModule(BoundarySession, BoundaryView);
