// The panel: the model's knobs, what turns them, what the amp does where they stand.
import { Curve } from "./curve.js";
import { Dial } from "./dial.js";
import { find, say } from "./elements.js";
import { Engine } from "./engine.js";
import { bytesOf, save } from "./files.js";
import { readImage, WAVENET } from "./image.js";
import { Midi } from "./midi.js";
import { Transfer } from "./pictures.js";
import { positionText } from "./positions.js";
import { rendered } from "./rig.js";
import { pinkNoise, rms, snapshot } from "./snapshot.js";
import { MOST_DETENTS, Toggle } from "./toggle.js";

const BENT = 60; // milliseconds between two transfer curves

// The model of this page: {image, facts, engine}. Throws a sentence.
export async function openModel() {
  const [wasm, image] = await Promise.all([bytesOf("engine.wasm"), bytesOf("model.pedal")]);
  const module = await WebAssembly.compile(wasm).catch(() => {
    throw new Error("This browser is too old: its WebAssembly has no SIMD; take a newer one.");
  });
  const engine = new Engine(module, image); // which says what is wrong with an image
  return { image, engine, facts: readImage(image) };
}

export class Panel {
  // turned(index, value) is called for each knob that moves.
  constructor({ image, engine, facts }, positions, turned) {
    Object.assign(this, { image, facts, positions, turned });
    this.controls = facts.knobs.map((knob, index) => {
      const Control = knob.detents.length && knob.detents.length <= MOST_DETENTS ? Toggle : Dial;
      return new Control(knob, (value) => this.turn(index, value));
    });
    find("controls").append(...this.controls.map(({ element }) => element));
    this.controls.forEach((control, index) => control.set(positions[index]));
    find("device").textContent = facts.device;
    find("model").textContent = facts.name;
    document.title = `${facts.device} – ampsweep`;
    this.midi = new Midi(facts.knobs, (index, value) => this.put(index, value));
    this.curve = new Curve(engine, facts);
    this.transfer = new Transfer(find("transfer"));
    this.transfer.loop = this.curve.at(positions);
    this.listen();
  }

  listen() {
    find("defaults").addEventListener("click", () =>
      this.facts.knobs.forEach((knob, index) => this.put(index, knob.initial)),
    );
    find("save").addEventListener("click", () => this.save());
    find("midi").addEventListener("click", () => this.listenToMidi());
    find("controls").addEventListener("focusin", ({ target }) => {
      this.touched = this.controls.findIndex(({ element }) => element.contains(target));
    });
  }

  // A knob was turned by hand.
  turn(index, value) {
    if (!this.show(index, value)) return;
    this.turned(index, value);
  }

  // A knob is turned by something else, and shows it.
  put(index, value) {
    this.controls[index].set(value);
    this.turn(index, this.controls[index].value);
  }

  // A knob stands elsewhere, and nobody need be told; whether it was news.
  show(index, value) {
    if (this.positions[index] === value) return false;
    this.positions[index] = value;
    if (this.controls[index].value !== value) this.controls[index].set(value);
    this.bending ??= setTimeout(() => this.bend(), BENT);
    return true;
  }

  bend() {
    this.bending = null;
    this.transfer.loop = this.curve.at(this.positions);
    this.transfer.draw();
  }

  async save() {
    if (this.facts.audio.kind !== WAVENET) {
      say(
        "This net is no WaveNet, which is what this page can freeze; use ampsweep export snapshot.",
        true,
      );
      return;
    }
    const noise = pinkNoise(this.facts.sampleRate);
    const wet = await rendered(this.facts.sampleRate, this.image, noise, this.positions);
    const text = JSON.stringify(snapshot(this.facts, this.positions, 20 * Math.log10(rms(wet))));
    const at = this.facts.knobs.map(
      (knob, i) => `${knob.name}@${positionText(knob, this.positions[i])}`,
    );
    const name = `${this.facts.device} ${at.join("_")}`
      .replaceAll(/[^\p{L}\p{N}@._ -]+/gu, "-")
      .slice(0, 150);
    save(`${name}.nam`, text);
    say(`Saved ${name}.nam, which any player of Neural Amp Modeler loads.`);
  }

  async listenToMidi() {
    const note = find("midi-note");
    if (this.hearsMidi) {
      const knob = this.facts.knobs[Math.max(0, this.touched ?? 0)];
      this.midi.learning = Math.max(0, this.touched ?? 0);
      note.textContent = `Turn the controller's knob that shall be ${knob.name}.`;
      return;
    }
    try {
      await this.midi.open((inputs) => {
        note.textContent = inputs
          ? "Control changes 20 and on turn the knobs; to teach one another, touch it, then press MIDI."
          : "No MIDI input is plugged in.";
      });
      this.hearsMidi = true;
    } catch (error) {
      say(error.message, true);
    }
  }
}
