// What a circuit knows besides its state: the picture that Python made of it, and which node one looks at.

import { StepSession } from "../frontend/stepper.js";

const LARGEST = 1e6;

export class CircuitSession extends StepSession {
  outcome = ["scene"];
  scene = null;
  refused = null; // { reason, text, start, end } of an expression that cannot be read or computed
  hovered = -1; // the node under the pointer
  selected = -1; // the node that the keyboard or a tap chose

  get last() {
    return this.scene ? this.scene.steps.length - 1 : this.state.step;
  }

  get sentence() {
    return this.scene.steps[this.position].text;
  }

  // The node to tell about: under the pointer, else chosen, else the one that the step is about.
  get shown() {
    if (!this.scene) return -1;
    if (this.hovered >= 0) return this.hovered;
    return this.selected >= 0 ? this.selected : (this.scene.steps[this.position].node ?? -1);
  }

  // The gradients as they stand after the present step, as texts by node.
  grads() {
    return Object.assign({}, ...this.scene.steps.slice(0, this.position + 1).map((step) => step.grads));
  }

  look(node) {
    this.hovered = node;
    this.notify();
  }

  select(node) {
    this.selected = node;
    this.notify();
  }

  // Python decides what it is worth: a refused expression leaves the last good graph.
  type(expression) {
    this.pause();
    this.edit({ expression }, { omit: ["step"] });
  }

  showExample({ expression, values }) {
    this.pause();
    this.edit({ expression, values }, { omit: ["step"] });
  }

  setValue(name, value, gesture) {
    const kept = Math.round(Math.min(Math.max(value, -LARGEST), LARGEST) * 1e6) / 1e6;
    this.edit({ values: { ...this.state.values, [name]: kept } }, { step: gesture, draft: true });
  }

  show(state) {
    if (state.expression !== this.state.expression) this.selected = this.hovered = -1;
    super.show(state);
  }

  take(message, _buffers, own) {
    if (own) this.refuse(message.refused);
    if (!message.scene) return null;
    this.scene = message.scene;
    this.selected = this.selected < this.scene.nodes.length ? this.selected : -1;
    this.hovered = this.hovered < this.scene.nodes.length ? this.hovered : -1;
    return { nodes: this.scene.nodes.length };
  }
}
