// The network as Python trains it: frames that come by themselves while it runs, and after every request.

import { PlaneSession } from "../frontend/plane_session.js";
import { readRegions } from "../frontend/regions.js";
import { typedArray, withTraining } from "../frontend/training_session.js";

const DRAWN = ["points", "labels", "test"]; // entries that Python draws from the others

const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);

export class PlaygroundSession extends withTraining(PlaneSession) {
  frame = null; // the regions
  network = null; // { maps, ranges, parameters }, of the network that the state describes
  facts = { record: [0, null, null, null, null], epoch: 0, running: false, trouble: "", gradients: [], firing: [] };
  history = []; // [step, training loss, test loss, training accuracy, test accuracy], accuracies from 0 to 1
  focus = null; // the unit { layer, unit } or the weight { layer, from, to } under the pointer

  // How many units each layer has: inputs, hidden layers, scores.
  get counts() {
    const { features, layers, classes } = this.state;
    return [features.length, ...layers.map(({ units }) => units), classes];
  }

  get shape() {
    const { features, layers, classes } = this.state;
    return [features.join(","), layers.map(({ units }) => units).join(","), classes].join("|");
  }

  study(name) {
    const { settings } = this.setup.lessons.find((lesson) => lesson.name === name);
    this.selected = -1;
    this.editAndRestart(settings, { omit: DRAWN });
  }

  reset() {
    this.selected = -1;
    super.reset();
  }

  // Each point keeps its part when others come and go.
  edit(change, options = {}) {
    const splits = change.points && !change.test && !options.omit?.includes("test");
    super.edit(splits ? { ...change, test: this.testAfter(change.points) } : change, options);
  }

  testAfter(points) {
    const { points: old, test } = this.state;
    if (points.length > old.length) return [...test, ...points.slice(old.length).map(() => false)];
    if (points.length === old.length) return test;
    const gone = points.findIndex((point, i) => point !== old[i]);
    return test.filter((_, i) => i !== (gone < 0 ? points.length : gone));
  }

  // The user's own points are not drawn again: they come back as they were given.
  regenerate(change, options = {}) {
    if ((change.preset ?? this.state.preset) !== "own") return super.regenerate(change, { ...options, omit: DRAWN });
    const { points, labels, test, classes } = this.setup.initial;
    if (change.preset) this.edit({ preset: "own", points, labels, test, classes });
    else if (change.classes) this.edit({ classes: Math.max(change.classes, 1 + Math.max(...this.state.labels)) });
  }

  point(focus) {
    if (JSON.stringify(focus) === JSON.stringify(this.focus)) return;
    this.focus = focus;
    this.notify();
  }

  show(state) {
    this.focus = null;
    super.show(state);
    if (this.shape !== this.network?.shape) this.network = null;
  }

  agree(state) {
    super.agree(state);
    if (this.shape !== this.network?.shape) this.network = null;
  }

  takeFrame(frame, buffers) {
    this.facts = frame;
    this.takeHistory(frame);
    if (frame.shape !== this.shape) return; // of a network that has meanwhile been changed
    this.frame = readRegions(frame.resolution, buffers[0]);
    const [maps, ranges, parameters] = [typedArray(buffers[1], Int8Array), typedArray(buffers[2]), typedArray(buffers[3])];
    this.network = { shape: frame.shape, maps, ranges, parameters };
  }

  // The place of a unit among all units, layer 0 being the inputs.
  unitIndex(layer, unit) {
    return sum(this.counts.slice(0, layer)) + unit;
  }

  // A unit's output over the plane, -127 to 127 times the largest, and the range of values.
  unitMap(layer, unit) {
    const index = this.unitIndex(layer, unit);
    const cells = this.setup.unit_resolution ** 2;
    const { maps, ranges } = this.network;
    return { map: maps.subarray(index * cells, (index + 1) * cells), low: ranges[2 * index], high: ranges[2 * index + 1] };
  }

  // Weights (from, to) into a layer, row by row, and its biases.
  weightsInto(layer) {
    const { counts } = this;
    let start = 0;
    for (let before = 1; before < layer; before++) start += (counts[before - 1] + 1) * counts[before];
    const end = start + counts[layer - 1] * counts[layer];
    const { parameters } = this.network;
    return { weights: parameters.subarray(start, end), biases: parameters.subarray(end, end + counts[layer]) };
  }

  // The share of training points where a hidden unit's output is above 0.
  firing(layer, unit) {
    return this.facts.firing[this.unitIndex(layer, unit) - this.counts[0]];
  }

  isDead(layer, unit) {
    return this.state.layers[layer - 1]?.activation === "relu" && this.facts.record[0] > 0 && this.firing(layer, unit) === 0;
  }

  unitName(layer, unit) {
    const { features, layers } = this.state;
    if (layer === 0) return features[unit];
    return layer > layers.length ? `score of class ${unit}` : `layer ${layer}, unit ${unit + 1}`;
  }
}
