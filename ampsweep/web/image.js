// What a pedal image says: docs/pedal-image.md. The engine has checked it before this reads it.

const SECTION = { model: 2, knobs: 3, control: 4, audio: 5 };
export const WAVENET = 1;
const SEVERAL_ARRAYS = 4;
const TANH = 3; // else leaky ReLU

export function readImage(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u32 = (at) => view.getUint32(at, true);
  const f32 = (at) => view.getFloat32(at, true);
  const text = (at) => new TextDecoder().decode(bytes.subarray(u32(at), u32(at) + u32(at + 4)));
  const floats = (at) => Float32Array.from({ length: u32(at + 4) }, (_, i) => f32(u32(at) + 4 * i));
  const at = {};
  for (let i = 0; i < u32(16); ++i) at[u32(20 + 12 * i)] = u32(24 + 12 * i);

  const model = at[SECTION.model];
  const flags = u32(model + 24);
  return {
    name: text(model),
    device: text(model + 8),
    sampleRate: u32(model + 16),
    inputLevel: flags & 1 ? f32(model + 28) : null, // dBu
    outputLevel: flags & 2 ? f32(model + 32) : null,
    knobs: readKnobs(at[SECTION.knobs], u32, f32, text),
    control: readControl(at[SECTION.control], u32, floats),
    audio: readAudio(at[SECTION.audio], u32, f32, floats),
  };
}

function readKnobs(at, u32, f32, text) {
  const count = u32(at);
  return Array.from({ length: count }, (_, index) => {
    const knob = at + 8 + 52 * index;
    const detent = (d) => text(at + 8 + 52 * count + 20 * (u32(knob + 44) + d));
    return {
      name: text(knob),
      unit: text(knob + 8),
      minimum: f32(knob + 28),
      maximum: f32(knob + 32),
      initial: f32(knob + 36),
      detents: Array.from({ length: u32(knob + 48) }, (_, d) => detent(d)),
    };
  });
}

function readControl(at, u32, floats) {
  return Array.from({ length: u32(at + 16) }, (_, index) => {
    const layer = at + 20 + 20 * index;
    const [inputs, outputs] = [u32(layer), u32(layer + 4)];
    const values = floats(layer + 12);
    return {
      inputs,
      outputs,
      bent: u32(layer + 8) === 1,
      weights: values.subarray(0, inputs * outputs),
      biases: values.subarray(inputs * outputs),
    };
  });
}

// A WaveNet; of other kinds of net this page only knows that the engine plays them. memory: samples
// that one output sample depends on; of other kinds, that it depends on audibly.
function readAudio(at, u32, f32, floats) {
  const kind = u32(at);
  if (kind !== WAVENET && kind !== SEVERAL_ARRAYS) return { kind, memory: 4800 };
  const arrays = [];
  let record = kind === WAVENET ? at : at + 12;
  for (let left = kind === WAVENET ? 1 : u32(at + 8); left > 0; --left) {
    const array = readArray(record, u32, f32, floats);
    arrays.push(array);
    record += 52 + 16 * array.layers.length;
  }
  const memory = arrays.reduce((sum, array) => sum + memoryOf(array), 1);
  return { kind: WAVENET, arrays, memory };
}

function readArray(at, u32, f32, floats) {
  return {
    channels: u32(at + 12),
    slope: u32(at + 20) === TANH ? null : f32(at + 24),
    headKernel: u32(at + 28),
    rechannel: floats(at + 32),
    head: floats(at + 40), // weights; then, of the last array, the bias
    bases: u32(at + 48),
    layers: Array.from({ length: u32(at + 16) }, (_, index) => {
      const layer = at + 52 + 16 * index;
      return { kernel: u32(layer), dilation: u32(layer + 4), values: floats(layer + 8) };
    }),
  };
}

// Samples before this one that an output sample depends on.
function memoryOf({ layers, headKernel }) {
  const taps = layers.map(({ kernel, dilation }) => (kernel - 1) * dilation);
  return taps.reduce((sum, past) => sum + past, headKernel - 1);
}
