// A text and the network that learns it in Python: frames come after every request and, while it trains, unasked.

import { Session } from "../frontend/session.js";
import { typedArray, withTraining } from "../frontend/training_session.js";

export class CharacterSession extends withTraining(Session) {
  refused = null; // { text, problem } of a text from which nothing can be learned
  facts = { record: [0, null, null, null, null], running: false, trouble: "", rate: 0, characters: [0, 0, 0],
    prefix: "", prefix_problem: "", written: "", expected: [] };
  history = []; // [updates, training loss, validation loss, largest norm of the gradient, the same after clipping]
  activations = null; // of the chosen unit, -127 to 127 for each letter that was read and written

  read(text) {
    if (text !== this.state.text || this.refused) this.edit({ text, preset: "" });
  }

  study(name) {
    this.editAndRestart(this.setup.presets.find((preset) => preset.name === name).settings);
  }

  // Forgets a text that was refused.
  forget() {
    this.refused = null;
    this.ask({ state: true, parts: ["frame"] });
  }

  take(reply, buffers, own) {
    if (reply.frame && own) this.refuse(reply.refused);
    return super.take(reply, buffers);
  }

  takeFrame(frame, buffers) {
    this.facts = frame;
    this.takeHistory(frame);
    this.activations = frame.colored ? typedArray(buffers[0], Int8Array) : null;
  }
}
