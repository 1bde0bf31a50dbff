// The page while a guitar is played through `ampsweep play --live`: its knobs are those of the
// engine behind the sound card, which the terminal's keys and MIDI turn as well.
import { find, say } from "./elements.js";
import { slider } from "./levels.js";
import { openModel, Panel } from "./panel.js";
import { Meter } from "./pictures.js";

const PAUSE = 40; // milliseconds between two looks, if nothing is turned

class Live {
  static async open() {
    const [model, state] = await Promise.all([openModel(), exchange({ turns: {} })]);
    return new Live(model, state);
  }

  constructor(model, state) {
    const { knobs } = model.facts;
    this.turns = {}; // that the engine has not been told
    this.panel = new Panel(model, state.positions.slice(0, knobs.length), (index, value) =>
      this.tell(index, value),
    );
    this.faders = ["trim", "volume"].map((id, side) =>
      slider(id, (decibels) => this.tell(knobs.length + side, decibels)),
    );
    this.meters = [new Meter(find("meter-in")), new Meter(find("meter-out"))];
    find("bypass").addEventListener("change", ({ target }) => {
      this.bypassed = target.checked;
      this.wake();
    });
    find("starting").remove();
    find("all").hidden = false;
    this.show(state);
    this.follow();
  }

  // At most one question is under way, so that no answer is older than what the page shows.
  async follow() {
    for (;;) {
      const asked = { turns: this.turns, bypassed: this.bypassed };
      this.turns = {};
      this.bypassed = undefined;
      try {
        this.show(await exchange(asked));
      } catch (error) {
        document.body.classList.add("ended");
        say(error.message, true);
        return;
      }
      await new Promise((resolve) => {
        this.wake = resolve;
        const waiting = Object.keys(this.turns).length || this.bypassed !== undefined;
        setTimeout(resolve, waiting ? 0 : PAUSE);
      });
    }
  }

  wake() {}

  tell(index, value) {
    this.turns[index] = value;
    this.wake();
  }

  show({ positions, bypassed, input, output, latency, load, rate, dropouts, between }) {
    const told = positions.map((value, index) => this.turns[index] ?? value);
    this.panel.positions.forEach((_, index) => this.panel.show(index, told[index]));
    this.faders.forEach((fader, side) => fader.put(told[this.panel.positions.length + side]));
    find("bypass").checked = this.bypassed ?? bypassed;
    document.body.classList.toggle("bypassed", find("bypass").checked);
    this.meters[0].show(input, input);
    this.meters[1].show(output, output);
    this.panel.transfer.draw(input);
    find("between").textContent = between;
    find("latency").textContent = `round trip ${(1000 * latency).toFixed(1)} ms`;
    find("load").textContent = `load ${(100 * load).toFixed(0)} %`;
    find("rate").textContent = `${rate / 1000} kHz`;
    find("dropouts").textContent = `audio lost ${dropouts} times`;
  }
}

// Tells the engine what was turned, and asks how it stands.
async function exchange(asked) {
  let answer;
  try {
    answer = await fetch("live", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
  } catch {
    throw new Error("It no longer plays: start ampsweep play --live again, and open its page.");
  }
  if (!answer.ok) throw new Error(`The engine does not answer (${answer.status}); start it again.`);
  return answer.json();
}

try {
  window.page = await Live.open();
} catch (error) {
  find("starting").remove();
  say(error.message, true);
}
