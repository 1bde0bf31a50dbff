// A loudspeaker cabinet as an impulse response: one made here, or any file.
import { filter } from "./biquad.js";

const SECONDS = 0.06;
export const LONGEST = 2; // seconds of a file that are kept

// Four 12-inch speakers in a closed box under a close microphone, told by its ear and not measured:
// resonance at the bottom, a dip, the cone's presence, and nothing above five kilohertz.
export function defaultCabinet(sampleRate) {
  const response = new Float32Array(Math.round(SECONDS * sampleRate));
  // The microphone hears the cone, then its edge, then the floor.
  for (const [ms, gain] of [
    [0, 1],
    [0.11, 0.32],
    [0.29, -0.16],
    [1.9, 0.07],
    [3.1, -0.05],
  ]) {
    response[Math.round((ms / 1000) * sampleRate)] += gain;
  }
  const filters = [
    ["highpass", 78, 0.9],
    ["peaking", 118, 1.4, 4.5],
    ["peaking", 420, 0.9, -4],
    ["peaking", 1250, 1.2, -2],
    ["peaking", 2600, 1.3, 6],
    ["peaking", 3900, 2.5, 3],
    ["lowpass", 4900, 1.1],
    ["lowpass", 5600, 0.8],
  ];
  for (const filter of filters) biquad(response, sampleRate, ...filter);
  return response;
}

// Robert Bristow-Johnson's cookbook filters (Cookbook formulae for audio equalizer biquads, 2005),
// in place.
function biquad(response, sampleRate, type, frequency, q, decibels = 0) {
  const w = (2 * Math.PI * frequency) / sampleRate;
  const [cos, alpha, a] = [Math.cos(w), Math.sin(w) / (2 * q), 10 ** (decibels / 40)];
  const [b0, b1, b2, a0, a1, a2] = {
    lowpass: [(1 - cos) / 2, 1 - cos, (1 - cos) / 2, 1 + alpha, -2 * cos, 1 - alpha],
    highpass: [(1 + cos) / 2, -1 - cos, (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha],
    peaking: [1 + alpha * a, -2 * cos, 1 - alpha * a, 1 + alpha / a, -2 * cos, 1 - alpha / a],
  }[type];
  filter(response, b0, b1, b2, a0, a1, a2);
}

// Made as loud as no cabinet at all: its mean power over the octaves that a guitar
// fills (80 Hz to 5 kHz) is 1. Null if it is silent there.
export function evened(response, sampleRate) {
  const points = 48;
  let power = 0;
  for (let point = 0; point < points; ++point) {
    const w = (2 * Math.PI * 80 * 2 ** ((6 * point) / (points - 1))) / sampleRate;
    const [cos, sin] = [Math.cos(w), Math.sin(w)];
    let [real, imaginary, x, y] = [0, 0, 1, 0]; // x + iy turns by w from sample to sample
    for (const sample of response) {
      real += sample * x;
      imaginary += sample * y;
      [x, y] = [cos * x - sin * y, sin * x + cos * y];
    }
    power += (real * real + imaginary * imaginary) / points;
  }
  return power > 0 ? response.map((sample) => sample / Math.sqrt(power)) : null;
}
