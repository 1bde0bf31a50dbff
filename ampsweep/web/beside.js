// A and B: the model, and the real amp at the nearest setting that was recorded.
import { find, say } from "./elements.js";
import { positionText } from "./positions.js";

export class Beside {
  // jump(positions) turns the knobs there; hear("model" or "real") says which of the two is heard.
  constructor(captures, context, sources, knobs, { jump, hear }) {
    Object.assign(this, { captures, context, sources, knobs, jump, hear });
    find("beside").hidden = !captures.all.length;
    find("jump").addEventListener("click", () => this.compare());
    find("hear").addEventListener("change", ({ target }) => this.hear(target.value));
    sources.chosen = (kind) => this.allow(kind === "capture");
  }

  offer(positions) {
    if (!this.captures.all.length) return;
    const { capture, away } = this.captures.nearest(positions);
    this.capture = capture;
    find("nearest").textContent = this.knobs
      .map((knob, index) => `${knob.name} ${positionText(knob, capture.positions[index])}`)
      .join(" · ");
    find("away").textContent =
      away < 1e-4 ? "exactly here" : `${(100 * away).toFixed(0)} % of a knob's range away`;
  }

  async compare() {
    const { capture } = this;
    find("jump").disabled = true;
    try {
      const { dry, wet, gain } = await this.captures.audioOf(this.context, capture);
      this.jump(capture.positions);
      await this.sources.compare(dry, wet, gain);
    } catch (error) {
      say(error.message, true);
      return;
    } finally {
      find("jump").disabled = false;
    }
    say("The model and the real amp play the same, equally loud: switch between A and B.");
  }

  // Of another source there is no recording, and so nothing but the model to hear.
  allow(recorded) {
    find("hear").disabled = !recorded;
    if (recorded) return;
    find("hear").querySelector("input[value=model]").checked = true;
    this.hear("model");
  }
}
