// The model frozen at one setting: an ordinary .nam file. Folding as docs/pedal-image.md has it, in
// doubles; the file as training/exports/nam.py writes it.
import { positionText } from "./positions.js";

// The control network's outputs for panel positions.
function conditions({ knobs, control }, positions) {
  let values = knobs.flatMap(({ minimum, maximum, detents }, index) =>
    detents.length
      ? detents.map((_, detent) => Math.max(0, 1 - Math.abs(positions[index] - detent)))
      : [(2 * (positions[index] - minimum)) / (maximum - minimum) - 1],
  );
  for (const { inputs, outputs, bent, weights, biases } of control) {
    const before = values;
    values = Array.from({ length: outputs }, (_, output) => {
      let sum = biases[output];
      for (let i = 0; i < inputs; ++i) sum += weights[output * inputs + i] * before[i];
      return bent ? sum / (1 + Math.abs(sum)) : sum;
    });
  }
  return values;
}

// All weights of the static net, as numbers that a float32 holds, in NAM's order.
export function fold(image, positions) {
  const { arrays } = image.audio;
  let outputs = conditions(image, positions);
  const parts = arrays.map((array, index) => {
    const { channels, bases, layers, head } = array;
    const weights = folded(array, outputs);
    outputs = outputs.slice(channels + (bases + 2 * channels) * layers.length);
    if (index < arrays.length - 1) return weights.concat(Array.from(head));
    const level = (weight, i) => (i < head.length - 1 ? Math.exp(outputs[0]) * weight : weight);
    return weights.concat(Array.from(head, level), 1); // and NAM's head scale
  });
  return parts.flat().map(Math.fround);
}

// Those of a layer array, but for its head. outputs: the control network's, from its own on.
function folded({ channels: c, bases, rechannel, layers }, outputs) {
  const inputs = rechannel.length / c;
  const weights = Array.from(
    rechannel,
    (weight, i) => Math.exp(outputs[Math.floor(i / inputs)]) * weight,
  );
  layers.forEach(({ kernel, values }, index) => {
    const own = outputs.slice(c + (bases + 2 * c) * index);
    const [scale, shift] = [own.slice(bases, bases + c), own.slice(bases + c)];
    const taps = c * kernel; // of one output
    const size = c * taps;
    const further = size + c + c + c * c + c; // where the bases begin
    const mixed = (at, inBasis) => {
      let sum = values[at];
      for (let b = 0; b < bases; ++b) sum += own[b] * values[further + b * (size + c) + inBasis];
      return sum;
    };
    for (let i = 0; i < size; ++i) weights.push((1 + scale[Math.floor(i / taps)]) * mixed(i, i));
    for (let i = 0; i < c; ++i) weights.push((1 + scale[i]) * values[size + i] + shift[i]);
    for (let i = 0; i < c; ++i) weights.push((1 + scale[i]) * mixed(size + c + i, size + i));
    for (let i = size + 2 * c; i < further; ++i) weights.push(values[i]); // the residual
  });
  return weights;
}

// How NAM describes a layer array, and what is before and after it.
function described({ channels, slope, headKernel, layers }, inputs, outputs, last) {
  const off = { active: false, shift: true, groups: 1 };
  const each = (value) => layers.map(() => value);
  const films = ["conv_pre", "conv_post", "input_mixin_pre", "input_mixin_post", "activation_pre"];
  films.push("activation_post", "layer1x1_post", "head1x1_post");
  return {
    input_size: inputs,
    condition_size: 1,
    head: { out_channels: outputs, kernel_size: headKernel, bias: last },
    channels,
    kernel_sizes: layers.map(({ kernel }) => kernel),
    dilations: layers.map(({ dilation }) => dilation),
    activation: each(
      slope === null ? { type: "Tanh" } : { type: "LeakyReLU", negative_slope: slope },
    ),
    bottleneck: channels,
    head1x1: { active: false, out_channels: 1, groups: 1 },
    layer1x1: { active: true, groups: 1 },
    groups_input: 1,
    groups_input_mixin: 1,
    ...Object.fromEntries(films.map((position) => [`${position}_film`, off])),
    gating_mode: each("none"),
    secondary_activation: each(null),
    slimmable: null,
  };
}

// The contents of a .nam file. loudness: the RMS, in dBFS, of what it makes of pink noise.
export function snapshot(image, positions, loudness) {
  const arrays = image.audio.arrays.map((array, index, all) => {
    const before = index ? all[index - 1].channels : 1;
    const after = all[index + 1]?.channels ?? 1;
    return described(array, before, after, index === all.length - 1);
  });
  const setting = Object.fromEntries(image.knobs.map(({ name }, i) => [name, positions[i]]));
  const now = new Date();
  const said = image.knobs.map((knob, i) => `${knob.name} ${positionText(knob, positions[i])}`);
  const metadata = {
    date: {
      year: now.getFullYear(),
      month: now.getMonth() + 1,
      day: now.getDate(),
      hour: now.getHours(),
      minute: now.getMinutes(),
      second: now.getSeconds(),
    },
    name: `${image.device} (${said.join(", ")})`,
    ampsweep: { device: image.device, model: image.name, setting },
  };
  if (Number.isFinite(loudness)) metadata.loudness = Number(loudness.toFixed(4));
  if (image.inputLevel !== null) metadata.input_level_dbu = image.inputLevel;
  if (image.outputLevel !== null) metadata.output_level_dbu = image.outputLevel;
  return {
    version: "0.7.0",
    metadata,
    architecture: "WaveNet",
    config: { layers: arrays, head: null, head_scale: 1 },
    weights: fold(image, positions),
    sample_rate: image.sampleRate,
  };
}

// As NAM measures it, but for the noise, which is made here: a second at −14.97 dBFS, white noise
// through the filter of Paul Kellet (1999), pink within half a decibel above 10 Hz.
export function pinkNoise(sampleRate) {
  let state = 1;
  const b = new Float64Array(7);
  const noise = Float32Array.from({ length: sampleRate }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const white = state / 2 ** 31 - 1;
    b[0] = 0.99886 * b[0] + white * 0.0555179;
    b[1] = 0.99332 * b[1] + white * 0.0750759;
    b[2] = 0.969 * b[2] + white * 0.153852;
    b[3] = 0.8665 * b[3] + white * 0.3104856;
    b[4] = 0.55 * b[4] + white * 0.5329522;
    b[5] = -0.7616 * b[5] - white * 0.016898;
    const pink = b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + white * 0.5362;
    b[6] = white * 0.115926;
    return pink;
  });
  const gain = 10 ** (-14.97 / 20) / rms(noise);
  return noise.map((sample) => gain * sample);
}

export function rms(audio) {
  return Math.sqrt(audio.reduce((sum, sample) => sum + sample * sample, 0) / audio.length);
}
