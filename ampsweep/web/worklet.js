// The engine in the audio thread. A knob is an AudioParam, knob0 … knob31, read once in every
// control frame: however the hand moves it, the engine goes from frame to frame without a step.
import { Engine } from "./engine.js";

const MOST_KNOBS = 32;
const LOOK = 2048; // frames of a window that the page draws

class Player extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return Array.from({ length: MOST_KNOBS }, (_, knob) => ({
      name: `knob${knob}`,
      automationRate: "a-rate",
    }));
  }

  // processorOptions: wasm and image, as bytes; positions, where the knobs stand at first.
  constructor({ processorOptions: { wasm, image, positions } }) {
    super();
    this.engine = new Engine(new WebAssembly.Module(wasm), image);
    positions.forEach((position, knob) => this.engine.set(knob, position));
    this.engine.restart();
    this.at = 0; // since the last control frame
    this.busy = 0; // milliseconds since the last look
    this.frames = 0;
    this.looks = []; // pairs of arrays that the page waits for
    this.seen = 0;
    this.dry = new Float32Array(128);
    this.port.onmessage = ({ data }) => this.looks.push(data);
  }

  process([[input]], [[wet]], parameters) {
    const began = now();
    const frames = wet.length;
    if (this.dry.length !== frames) this.dry = new Float32Array(frames);
    if (input) this.dry.set(input);
    else this.dry.fill(0);
    for (let first = 0; first < frames;) {
      if (this.at === 0) this.turn(parameters, first);
      const count = Math.min(this.engine.interval - this.at, frames - first);
      this.engine.process(this.dry, wet, first, count);
      this.at = (this.at + count) % this.engine.interval;
      first += count;
    }
    // What is not a number would stay in the net's memory for ever.
    if (!Number.isFinite(wet[frames - 1])) {
      this.engine.restart();
      this.at = 0;
      wet.fill(0);
    }
    this.busy += now() - began;
    this.frames += frames;
    if (this.looks.length) this.look(wet);
    return true;
  }

  turn(parameters, first) {
    for (let knob = 0; knob < this.engine.knobs; ++knob) {
      const values = parameters[`knob${knob}`];
      this.engine.set(knob, values.length > 1 ? values[first] : values[0]);
    }
  }

  // Fills the page's arrays with what goes in and comes out, and sends them back when full. Nothing
  // is allocated here.
  look(wet) {
    const [dry, out] = this.looks[0];
    const count = Math.min(wet.length, LOOK - this.seen);
    for (let i = 0; i < count; ++i) {
      dry[this.seen + i] = this.dry[i];
      out[this.seen + i] = wet[i];
    }
    this.seen += count;
    if (this.seen < LOOK) return;
    const load = this.busy / ((1000 * this.frames) / sampleRate);
    this.port.postMessage({ dry, out, load, frames: this.frames }, [dry.buffer, out.buffer]);
    this.looks.shift();
    this.seen = this.busy = this.frames = 0;
  }
}

// Audio threads may have no finer clock than milliseconds; over many blocks the mean is right.
function now() {
  return globalThis.performance ? performance.now() : Date.now();
}

registerProcessor("ampsweep", Player);
