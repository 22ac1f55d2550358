// The circuit on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { stepper } from "../frontend/stepper.js";
import { View, widgetModule } from "../frontend/view.js";
import { expressionBox, inputsTable } from "./controls.js";
import { detailsPanel } from "./details.js";
import { Graph, GRAPH_KEYS } from "./graph.js";
import { CircuitSession } from "./session.js";

class CircuitView extends View {
  constructor(session, el) {
    super(session, el, "cs231n-circuit");
  }

  build() {
    const { session } = this;
    const inputs = inputsTable(session);
    this.graph = new Graph(session, this.announce, this.helpId, inputs.focus);
    const [box, graph, steps, details, table, notes, tools] = this.keep(
      expressionBox(session),
      this.graph,
      stepper(session),
      detailsPanel(session),
      inputs,
      notices(session, { author: "the circuit" }),
      toolbar(session, this.announce, "Circuit"),
    );
    const below = element("div", { class: "below" }, details, table);
    return [box, graph, steps, below, notes, tools, this.status, helpText(this.helpId, GRAPH_KEYS)];
  }

  remove() {
    super.remove();
    if (!this.session.views.size) this.session.pause();
  }
}

export default widgetModule(CircuitSession, CircuitView);
