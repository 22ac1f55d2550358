// The convolution playground on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { lessonControl } from "../frontend/lessons.js";
import { helpText, notices } from "../frontend/notices.js";
import { stepper } from "../frontend/stepper.js";
import { View, widgetModule } from "../frontend/view.js";
import { FieldMaps, layerTable } from "./field.js";
import { Grids, GRID_KEYS } from "./grids.js";
import { ConvolutionSession } from "./session.js";
import { arithmetic, modeControls, settings } from "./settings.js";
import { storyPanel } from "./story.js";

class ConvolutionView extends View {
  constructor(session, el) {
    super(session, el, "cs231n-convolution");
    this.observer = new ResizeObserver(([{ contentRect }]) => contentRect.width && session.fit(Math.round(contentRect.width) - 12));
    this.observer.observe(this.root);
  }

  build() {
    const { session } = this;
    const steps = stepper(session);
    const legend = element("p", { class: "legend" }, "Cells: ", element("span", { class: "below" }, "below 0"), " ",
      element("span", { class: "above" }, "above 0"), "; frames: ", element("span", { class: "focus" }, "this number"), " ",
      element("span", { class: "read" }, "made from"), " ", element("span", { class: "written" }, "goes to"));
    legend.style.setProperty("--below", session.setup.signs.negative);
    legend.style.setProperty("--above", session.setup.signs.positive);
    const grid = { update: () => (legend.hidden = steps.node.hidden = session.isField), node: legend };
    return this.keep(
      lessonControl(session),
      modeControls(session),
      settings(session),
      arithmetic(session),
      steps,
      new Grids(session, this.announce, this.helpId),
      grid,
      storyPanel(session),
      new FieldMaps(session, this.helpId),
      layerTable(session),
      notices(session, { author: "Python" }),
      toolbar(session, this.announce, "ConvolutionPlayground"),
    ).concat(this.status, helpText(this.helpId, GRID_KEYS));
  }

  remove() {
    super.remove();
    this.observer.disconnect();
    if (!this.session.views.size) this.session.pause();
  }
}

export default widgetModule(ConvolutionSession, ConvolutionView);
