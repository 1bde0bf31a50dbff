// How hard the amp bends: one cycle of a loud low sine, what goes in against what comes out.
const HERTZ = 110; // the open A string
export const PEAK = 10 ** (-1 / 20);
const SETTLED = 0.1; // seconds, of which the last cycle is drawn

export class Curve {
  constructor(engine, facts) {
    this.engine = engine;
    this.cycle = Math.round(facts.sampleRate / HERTZ);
    const cycles = Math.ceil((SETTLED * facts.sampleRate + facts.audio.memory) / this.cycle);
    this.sine = Float32Array.from(
      { length: cycles * this.cycle },
      (_, i) => PEAK * Math.sin((2 * Math.PI * i) / this.cycle),
    );
  }

  // At these positions: pairs of in and out, without the delay between the two, and no offset.
  at(positions) {
    positions.forEach((position, knob) => this.engine.set(knob, position));
    this.engine.restart();
    const wet = this.engine.render(this.sine).subarray(-this.cycle);
    const mean = wet.reduce((sum, sample) => sum + sample, 0) / this.cycle;
    let [real, imaginary] = [0, 0];
    wet.forEach((sample, i) => {
      real += sample * Math.sin((2 * Math.PI * i) / this.cycle);
      imaginary += sample * Math.cos((2 * Math.PI * i) / this.cycle);
    });
    const late = Math.round((-Math.atan2(imaginary, real) / (2 * Math.PI)) * this.cycle);
    return Array.from(wet, (_, i) => [
      this.sine[i],
      wet[(i + late + this.cycle) % this.cycle] - mean,
    ]);
  }
}
