// The engine that plays a pedal image: firmware/ as WebAssembly, one instance a model.

const MOST = 4096; // frames of a call

export class Engine {
  // wasm: a WebAssembly.Module. image: the bytes of a pedal image; throws a sentence if it is bad.
  // Knobs stand at their defaults, and silence has lasted for ever.
  constructor(wasm, image) {
    const engine = new WebAssembly.Instance(wasm, {}).exports;
    const bytes = engine.malloc(image.length);
    const status = engine.malloc(4);
    new Uint8Array(engine.memory.buffer).set(image, bytes);
    const model = engine.amp_open(bytes, image.length, status);
    const code = new DataView(engine.memory.buffer).getInt32(status, true);
    if (!model) throw new Error(text(engine.memory, engine.amp_status_text(code)));
    this.engine = engine;
    this.model = model;
    this.interval = engine.amp_interval(model); // samples from one control frame to the next
    this.knobs = engine.amp_knob_count(model);
    this.sampleRate = engine.amp_sample_rate(model);
    this.at = engine.malloc(4 * MOST);
    // Nothing here asks for memory any more, so this view stays.
    this.audio = new Float32Array(engine.memory.buffer, this.at, MOST);
  }

  // A panel position, followed from the next control frame on.
  set(knob, position) {
    this.engine.amp_set(this.model, knob, position);
  }

  get(knob) {
    return this.engine.amp_get(this.model, knob);
  }

  // Begins again: knobs stand where they were set, and silence has lasted for ever.
  restart() {
    this.engine.amp_restart(this.model);
  }

  // Plays on, at most 4096 frames: from the first of `from` into the first of `to`, which may be
  // the same.
  process(from, to, first = 0, count = from.length) {
    this.audio.set(first || count < from.length ? from.subarray(first, first + count) : from);
    this.engine.amp_process(this.model, this.at, this.at, count);
    to.set(count < MOST ? this.audio.subarray(0, count) : this.audio, first);
  }

  // All of an array, with knobs that stay: a new one of the same length.
  render(dry) {
    const wet = new Float32Array(dry.length);
    for (let first = 0; first < dry.length; first += MOST) {
      this.process(dry, wet, first, Math.min(MOST, dry.length - first));
    }
    return wet;
  }
}

// Letter by letter, because an AudioWorklet has no TextDecoder; these sentences are ASCII.
function text(memory, at) {
  const bytes = new Uint8Array(memory.buffer);
  let letters = "";
  for (; bytes[at]; ++at) letters += String.fromCharCode(bytes[at]);
  return letters;
}
