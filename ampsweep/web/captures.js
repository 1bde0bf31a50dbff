// Real recordings of the amp, to hear beside the model: `captures.json`, and FLAC of each.
import { bytesOf, jsonOf } from "./files.js";
import { loudness } from "./loudness.js";
import { decoded } from "./recordings.js";
import { rendered } from "./rig.js";

const LONGEST = 12; // seconds that are heard of a capture

export class Captures {
  static async open(image, facts) {
    return new Captures(image, facts, (await jsonOf("captures.json")).captures);
  }

  constructor(image, facts, all) {
    this.image = image;
    this.facts = facts;
    this.all = all;
    this.known = new Map();
  }

  // The one whose knobs stand nearest, and its distance, where a knob's whole range counts as 1.
  nearest(positions) {
    let best = { away: Infinity };
    for (const capture of this.all) {
      const away = Math.hypot(
        ...this.facts.knobs.map(
          ({ minimum, maximum }, knob) =>
            (capture.positions[knob] - positions[knob]) / (maximum - minimum),
        ),
      );
      if (away < best.away) best = { capture, away };
    }
    return best;
  }

  // Its dry and its wet, and the gain by which the wet is as loud as the model is on the same dry.
  async audioOf(context, { id, positions, scale }) {
    if (!this.known.has(id)) {
      const [dry, wet] = await Promise.all(
        ["dry", "wet"].map(async (what) => {
          const name = `captures/${id}.${what}.flac`;
          const mono = await decoded(context, new File([await bytesOf(name)], name));
          return mono.subarray(0, LONGEST * context.sampleRate);
        }),
      );
      const { sampleRate } = context;
      const model = await rendered(sampleRate, this.image, dry, positions);
      const real = wet.map((sample) => scale * sample);
      const louder = loudness(model, sampleRate) - loudness(real, sampleRate); // LU
      this.known.set(id, { dry, wet, gain: scale * (Number.isFinite(louder) ? 10 ** (louder / 20) : 1) });
    }
    return this.known.get(id);
  }
}
