// How loud audio is to the ear: ITU-R BS.1770-5 (2023), "Algorithms to measure audio programme
// loudness and true-peak audio level", of one channel.
import { filter } from "./biquad.js";

const [BLOCK, STEP] = [0.4, 0.1]; // seconds
const SILENT = -70; // LUFS of a block that does not count
const QUIET = 10; // and LU under the mean of those that do

// In LUFS; −∞ if it is silent.
export function loudness(audio, sampleRate) {
  const heard = Float64Array.from(audio);
  weigh(heard, sampleRate);
  const length = Math.min(heard.length, Math.round(BLOCK * sampleRate));
  const step = Math.round(STEP * sampleRate);
  let powers = [];
  for (let first = 0; first + length <= heard.length; first += step) {
    const block = heard.subarray(first, first + length);
    powers.push(block.reduce((sum, sample) => sum + sample * sample, 0) / length);
  }
  powers = powers.filter((power) => level(power) > SILENT);
  const least = level(mean(powers)) - QUIET;
  return level(mean(powers.filter((power) => level(power) > least)));
}

const level = (power) => -0.691 + 10 * Math.log10(power);
const mean = (values) =>
  values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;

// The head's shelf, then the ear's high-pass. The standard has coefficients for 48 kHz alone; the
// analogue filters behind them are of B. De Man, "Evaluation of implementations of the EBU R128
// loudness measurement" (2018).
function weigh(audio, sampleRate) {
  const shelf = Math.tan((Math.PI * 1681.974450955533) / sampleRate);
  const [high, q] = [10 ** (3.999843853973347 / 20), 0.7071752369554196];
  const band = high ** 0.4996667741545416;
  filter(
    audio,
    high + (band * shelf) / q + shelf ** 2,
    2 * (shelf ** 2 - high),
    high - (band * shelf) / q + shelf ** 2,
    ...poles(shelf, q),
  );
  const pass = Math.tan((Math.PI * 38.13547087602444) / sampleRate);
  const [a0, a1, a2] = poles(pass, 0.5003270373238773);
  filter(audio, a0, -2 * a0, a0, a0, a1, a2); // its zeros alone are 1, −2, 1 in the standard
}

const poles = (k, q) => [1 + k / q + k ** 2, 2 * (k ** 2 - 1), 1 - k / q + k ** 2];
