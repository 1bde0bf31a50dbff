// A filter of the second order.

// In place. Coefficients as in (b0 + b1/z + b2/z²) / (a0 + a1/z + a2/z²).
export function filter(audio, b0, b1, b2, a0, a1, a2) {
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < audio.length; ++i) {
    const x = audio[i];
    const y = (b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2) / a0;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    audio[i] = y;
  }
}
