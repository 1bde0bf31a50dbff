// The page: the panel around an amp that plays here.
import { Beside } from "./beside.js";
import { Captures } from "./captures.js";
import { whenDropped } from "./dropping.js";
import { find, say } from "./elements.js";
import { Levels } from "./levels.js";
import { openModel, Panel } from "./panel.js";
import { Meter, peakOf, Scope, Spectrum } from "./pictures.js";
import { fromFragment, toFragment } from "./positions.js";
import { LOOK, Rig } from "./rig.js";
import { Sources } from "./sources.js";

const SHARED = 250; // milliseconds of rest before the address follows the knobs

class Page {
  static async open() {
    if (!window.isSecureContext || !window.AudioWorkletNode) {
      throw new Error(
        "The browser gives this page no sound; open it over https, in a browser of the last years.",
      );
    }
    const model = await openModel();
    const { image, facts } = model;
    const initial = facts.knobs.map((knob) => knob.initial);
    const positions = fromFragment(facts.knobs, location.hash, initial);
    const context = new AudioContext({ sampleRate: facts.sampleRate, latencyHint: "interactive" });
    await context.suspend(); // some browsers let it run, and the engine work, before anyone plays
    const rig = await Rig.open(context, image, facts, positions, (sentence) => say(sentence, true));
    return new Page(context, rig, model, positions, await Captures.open(image, facts));
  }

  constructor(context, rig, model, positions, captures) {
    const { knobs, sampleRate } = model.facts;
    Object.assign(this, { context, rig });
    this.panel = new Panel(model, positions, (index, value) => this.turned(index, value));
    find("rate").textContent = `${sampleRate / 1000} kHz`;
    this.levels = new Levels(rig);
    this.sources = new Sources(context, rig, {
      began: () => this.draw(),
      ended: () => this.rest(),
    });
    this.beside = new Beside(captures, context, this.sources, knobs, {
      jump: (to) => this.jump(to),
      hear: (what) => this.levels.hear(what),
    });
    this.beside.offer(positions);
    this.scope = new Scope(find("scope"));
    this.spectrum = new Spectrum(find("spectrum"), rig.given, rig.heard);
    this.meters = [new Meter(find("meter-in"), rig.given), new Meter(find("meter-out"), rig.heard)];
    this.listen();
    find("starting").remove();
    find("all").hidden = false;
    this.rest();
  }

  listen() {
    find("link").addEventListener("click", () => this.share());
    window.addEventListener("hashchange", () =>
      this.jump(fromFragment(this.panel.facts.knobs, location.hash, this.panel.positions)),
    );
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

  turned(index, value) {
    this.rig.turn(index, value);
    this.beside.offer(this.panel.positions);
    clearTimeout(this.sharing);
    this.sharing = setTimeout(() => history.replaceState(null, "", this.fragment()), SHARED);
  }

  jump(to) {
    to.forEach((value, index) => this.panel.put(index, value));
  }

  fragment() {
    return toFragment(this.panel.facts.knobs, this.panel.positions);
  }

  paint() {
    const { playing } = this.sources;
    this.scope.draw(this.seen);
    this.spectrum.draw(playing);
    this.panel.transfer.draw(peakOf(this.seen.dry));
    for (const meter of this.meters) meter.draw(playing);
  }

  rest() {
    this.seen = { dry: new Float32Array(LOOK), out: new Float32Array(LOOK) };
    this.panel.transfer.reach = 0;
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
}

try {
  window.page = await Page.open();
} catch (error) {
  find("starting").remove();
  say(error.message, true);
}
