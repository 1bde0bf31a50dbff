// The page: the panel, and what belongs to it, around one amp.
import { Beside } from "./beside.js";
import { Captures } from "./captures.js";
import { Curve } from "./curve.js";
import { Dial } from "./dial.js";
import { whenDropped } from "./dropping.js";
import { find, say } from "./elements.js";
import { Engine } from "./engine.js";
import { bytesOf, save } from "./files.js";
import { readImage, WAVENET } from "./image.js";
import { Levels } from "./levels.js";
import { Midi } from "./midi.js";
import { Meter, Scope, Spectrum, Transfer } from "./pictures.js";
import { fromFragment, positionText, toFragment } from "./positions.js";
import { LOOK, rendered, Rig } from "./rig.js";
import { pinkNoise, rms, snapshot } from "./snapshot.js";
import { Sources } from "./sources.js";
import { MOST_DETENTS, Toggle } from "./toggle.js";

const SHARED = 250; // milliseconds of rest before the address follows the knobs
const BENT = 60; // and between two transfer curves

class Page {
  static async open() {
    if (!window.isSecureContext || !window.AudioWorkletNode) {
      throw new Error(
        "The browser gives this page no sound; open it over https, in a browser of the last years.",
      );
    }
    const [wasm, image] = await Promise.all([bytesOf("engine.wasm"), bytesOf("model.pedal")]);
    const module = await WebAssembly.compile(wasm).catch(() => {
      throw new Error("This browser is too old: its WebAssembly has no SIMD; take a newer one.");
    });
    const engine = new Engine(module, image); // which says what is wrong with an image
    const facts = readImage(image);
    const initial = facts.knobs.map((knob) => knob.initial);
    const positions = fromFragment(facts.knobs, location.hash, initial);
    const context = new AudioContext({ sampleRate: facts.sampleRate, latencyHint: "interactive" });
    const rig = await Rig.open(context, image, facts, positions, (sentence) => say(sentence, true));
    const captures = await Captures.open(image, facts);
    return new Page(context, rig, image, facts, positions, captures, new Curve(engine, facts));
  }

  constructor(context, rig, image, facts, positions, captures, curve) {
    Object.assign(this, { context, rig, image, facts, positions, curve });
    this.controls = facts.knobs.map((knob, index) => {
      const Control = knob.detents.length && knob.detents.length <= MOST_DETENTS ? Toggle : Dial;
      return new Control(knob, (value) => this.turn(index, value));
    });
    find("controls").append(...this.controls.map(({ element }) => element));
    this.controls.forEach((control, index) => control.set(positions[index]));
    find("device").textContent = facts.device;
    find("model").textContent = facts.name;
    find("rate").textContent = `${facts.sampleRate / 1000} kHz`;
    document.title = `${facts.device} – ampsweep`;

    this.levels = new Levels(rig);
    this.sources = new Sources(context, rig, {
      began: () => this.draw(),
      ended: () => this.rest(),
    });
    this.beside = new Beside(captures, context, this.sources, facts.knobs, {
      jump: (to) => to.forEach((value, index) => this.put(index, value)),
      hear: (what) => this.levels.hear(what),
    });
    this.beside.offer(this.positions);
    this.midi = new Midi(facts.knobs, (index, value) => this.put(index, value));
    this.scope = new Scope(find("scope"));
    this.spectrum = new Spectrum(find("spectrum"), rig.given, rig.heard);
    this.transfer = new Transfer(find("transfer"));
    this.meters = [new Meter(find("meter-in"), rig.given), new Meter(find("meter-out"), rig.heard)];
    this.listen();
    this.rest();
    this.bend();
    find("starting").remove();
    find("all").hidden = false;
    this.paint();
  }

  listen() {
    find("defaults").addEventListener("click", () =>
      this.facts.knobs.forEach((knob, index) => this.put(index, knob.initial)),
    );
    find("link").addEventListener("click", () => this.share());
    find("save").addEventListener("click", () => this.save());
    find("midi").addEventListener("click", () => this.listenToMidi());
    find("controls").addEventListener("focusin", ({ target }) => {
      this.touched = this.controls.findIndex(({ element }) => element.contains(target));
    });
    window.addEventListener("hashchange", () => {
      const to = fromFragment(this.facts.knobs, location.hash, this.positions);
      to.forEach((value, index) => this.put(index, value));
    });
    window.addEventListener("resize", () => this.paint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    whenDropped((file, onCabinet) =>
      onCabinet ? this.levels.loadCabinet(file) : this.sources.open(file),
    );
    document.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target !== document.body) return;
      event.preventDefault();
      this.sources.toggle();
    });
  }

  // A knob was turned by hand.
  turn(index, value) {
    if (this.positions[index] === value) return;
    this.positions[index] = value;
    this.rig.turn(index, value);
    this.beside.offer(this.positions);
    clearTimeout(this.sharing);
    this.sharing = setTimeout(() => history.replaceState(null, "", this.fragment()), SHARED);
    this.bending ??= setTimeout(() => this.bend(), BENT);
  }

  // A knob is turned by something else, and shows it.
  put(index, value) {
    this.controls[index].set(value);
    this.turn(index, this.controls[index].value);
  }

  fragment() {
    return toFragment(this.facts.knobs, this.positions);
  }

  bend() {
    this.bending = null;
    this.transfer.loop = this.curve.at(this.positions);
    if (!this.sources.playing) this.paint();
  }

  paint() {
    const { playing } = this.sources;
    this.scope.draw(this.seen);
    this.spectrum.draw(playing);
    this.transfer.draw(this.seen);
    for (const meter of this.meters) meter.draw(playing);
  }

  rest() {
    this.seen = { dry: new Float32Array(LOOK), out: new Float32Array(LOOK) };
    this.transfer.reach = 0;
    find("load").textContent = "–";
    this.paint();
  }

  // As long as it plays: what it looks like.
  async draw() {
    if (this.drawing) return;
    this.drawing = true;
    while (this.context.state === "running" && this.sources.playing) {
      const seen = await this.rig.look();
      if (!this.sources.playing) break;
      this.seen = seen;
      find("load").textContent = `engine ${(100 * this.seen.load).toFixed(0)} %`;
      find("latency").textContent = this.sources.latency();
      await new Promise(requestAnimationFrame);
      this.paint();
    }
    this.drawing = false;
  }

  async share() {
    history.replaceState(null, "", this.fragment());
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link to this setting is in the clipboard.");
    } catch {
      say(
        "The browser keeps the clipboard to itself; copy this page's address: it has the setting.",
      );
    }
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

try {
  window.page = await Page.open();
} catch (error) {
  find("starting").remove();
  say(error.message, true);
}
