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

// What the colours of cells and frames mean.
function legend(session) {
  const sample = (name, text) => element("span", { class: name }, text);
  const pictures = element("span", { class: "pictures" }, "pictures: 0 is black, 1 is white");
  const node = element("p", { class: "legend" }, "Cells: ", sample("below", "below 0"), " ", sample("above", "above 0"), " ", pictures,
    " Frames: ", sample("focus", "this number"), " ", sample("read", "made from"), " ", sample("written", "goes to"));
  node.style.setProperty("--below", session.setup.signs.negative);
  node.style.setProperty("--above", session.setup.signs.positive);
  const update = () => {
    node.hidden = session.isField;
    pictures.hidden = !session.scene?.pictures;
  };
  return { node, update };
}

class ConvolutionView extends View {
  constructor(session, el) {
    super(session, el, "cs231n-convolution");
    this.observer = new ResizeObserver(([{ contentRect }]) => contentRect.width && session.fit(Math.round(contentRect.width) - 12));
    this.observer.observe(this.root);
  }

  build() {
    const { session } = this;
    return [
      ...this.keep(lessonControl(session), modeControls(session), settings(session), arithmetic(session)),
      ...this.keep(stepper(session)),
      element("div", { class: "scene" }, ...this.keep(new Grids(session, this.announce, this.helpId), storyPanel(session))),
      ...this.keep(legend(session), new FieldMaps(session, this.helpId), layerTable(session)),
      ...this.keep(notices(session, { author: "Python" }), toolbar(session, this.announce, "ConvolutionPlayground")),
      this.status,
      helpText(this.helpId, GRID_KEYS),
    ];
  }

  paint() {
    this.root.classList.toggle("without-steps", this.session.isField);
  }

  remove() {
    super.remove();
    this.observer.disconnect();
    if (!this.session.views.size) this.session.pause();
  }
}

export default widgetModule(ConvolutionSession, ConvolutionView);
