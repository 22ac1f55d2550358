// One picture of the widget on the page, put together from its parts; the module that anywidget starts.

import { brushControl, classifierControls, dataControls, toolbar } from "./controls.js";
import { element, uniqueId } from "./elements.js";
import { Plot } from "./plot.js";
import { helpText, notices, readout } from "./readouts.js";
import { Session } from "./session.js";

class View {
  constructor(session, el) {
    const helpId = uniqueId("help");
    this.session = session;
    this.status = element("p", { class: "status", role: "status", "aria-live": "polite" });
    this.plot = new Plot(session, (text) => this.announce(text), helpId);
    this.parts = [
      ...dataControls(session),
      ...classifierControls(session),
      brushControl(session),
      notices(session),
      readout(session),
      toolbar(session, this.plot, (text) => this.announce(text)),
    ];
    const nodes = this.parts.map((part) => part.node);
    const tools = nodes.pop();
    this.root = element("div", { class: "cs231n-boundary" },
      element("div", { class: "stage" }, this.plot.canvas, tools, this.status),
      element("div", { class: "side" }, ...nodes, helpText(helpId)));
    // JupyterLab would otherwise delete the cell at "d d", and so on.
    for (const node of this.root.querySelectorAll("canvas, input, button, summary"))
      node.setAttribute("data-lm-suppress-shortcuts", "true");
    el.append(this.root);
    session.views.add(this);
    this.mark();
    this.update();
  }

  announce(text) {
    this.status.textContent = text;
  }

  mark() {
    this.root.setAttribute("aria-busy", Boolean(this.session.inFlight));
  }

  update(painted = null) {
    for (const part of this.parts) part.update();
    if (!painted) return this.plot.update();
    this.plot.draw();
    const detail = { ...painted, milliseconds: performance.now() - painted.since };
    this.root.dispatchEvent(new CustomEvent("redraw", { detail, bubbles: true }));
  }

  remove() {
    this.session.views.delete(this);
    this.plot.observer.disconnect();
  }
}

export default () => {
  let session;
  return {
    initialize({ model }) {
      session = new Session(model);
    },
    render({ el }) {
      const view = new View(session, el);
      return () => view.remove();
    },
  };
};
