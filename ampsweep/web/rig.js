// The signal path:
//
//   source → trim → amp ──────→ (model) ─┐
//              │    recording → (real) ──┼→ cabinet or not ─┐
//              └────────────────────────────→ (bypass) ─────┴→ volume → what is heard
//
// Whatever is switched is faded, within a hundredth of a second.
import { bytesOf, scriptUrl } from "./files.js";
import { evened, LONGEST } from "./cabinet.js";
import { toBuffer } from "./recordings.js";

const FADE = 0.004; // seconds, a time constant
const GLIDE = 0.008; // of a knob
export const LOOK = 2048; // frames of a window of what goes in and comes out

// The amp in a context, online or offline; it starts as silence leaves it at these positions.
export async function amp(context, image, positions) {
  await context.audioWorklet.addModule(scriptUrl("worklet.js"));
  const parameterData = Object.fromEntries(positions.map((value, knob) => [`knob${knob}`, value]));
  return new AudioWorkletNode(context, "ampsweep", {
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [1],
    channelCount: 1,
    channelCountMode: "explicit",
    parameterData,
    processorOptions: { wasm: await bytesOf("engine.wasm"), image, positions },
  });
}

// What the amp makes of all of `dry`. moves: [knob, seconds, position], each reached in a straight
// line from the one before.
export async function rendered(sampleRate, image, dry, positions, moves = []) {
  const context = new OfflineAudioContext(1, dry.length, sampleRate);
  const node = await amp(context, image, positions);
  positions.forEach((value, knob) => node.parameters.get(`knob${knob}`).setValueAtTime(value, 0));
  for (const [knob, seconds, value] of moves) {
    node.parameters.get(`knob${knob}`).linearRampToValueAtTime(value, seconds);
  }
  const source = new AudioBufferSourceNode(context, { buffer: toBuffer(context, dry) });
  source.connect(node).connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

export class Rig {
  // broken(sentence) is called if the audio thread fails.
  static async open(context, image, facts, positions, broken) {
    const node = await amp(context, image, positions);
    node.addEventListener("processorerror", () =>
      broken("The engine stopped in the audio thread; load this page again."),
    );
    return new Rig(context, node, facts.knobs);
  }

  constructor(context, node, knobs) {
    const gain = (value) => new GainNode(context, { gain: value });
    Object.assign(this, { context, node, knobs });
    this.trim = gain(1);
    this.model = gain(1);
    this.recording = gain(1);
    this.real = gain(0);
    this.bypass = gain(0);
    this.convolver = new ConvolverNode(context, { disableNormalization: true });
    this.boxed = gain(1);
    this.bare = gain(0);
    this.volume = gain(1);
    this.heard = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.7 });
    this.given = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.7 });
    this.trim.connect(this.node).connect(this.model);
    this.trim.connect(this.bypass).connect(this.volume);
    this.trim.connect(this.given);
    this.recording.connect(this.real);
    for (const from of [this.model, this.real]) {
      from.connect(this.convolver);
      from.connect(this.bare);
    }
    this.convolver.connect(this.boxed).connect(this.volume);
    this.bare.connect(this.volume);
    this.volume.connect(this.heard).connect(context.destination);
    this.sources = [];
  }

  fade(gain, value) {
    gain.gain.setTargetAtTime(value, this.context.currentTime, FADE);
  }

  turn(knob, value) {
    const parameter = this.node.parameters.get(`knob${knob}`);
    const now = this.context.currentTime;
    parameter.cancelScheduledValues(now);
    if (this.knobs[knob].detents.length) {
      parameter.setValueAtTime(value, now); // on its way it would stand at other detents
      return;
    }
    parameter.setTargetAtTime(value, now, GLIDE);
    parameter.setValueAtTime(value, now + 12 * GLIDE);
  }

  // What is heard of the amp: "model", "real" (the recording beside it) or "bypass".
  hear(what) {
    this.fade(this.model, what === "model" ? 1 : 0);
    this.fade(this.real, what === "real" ? 1 : 0);
    this.fade(this.bypass, what === "bypass" ? 1 : 0);
  }

  setTrim(decibels) {
    this.fade(this.trim, 10 ** (decibels / 20));
  }

  setVolume(decibels) {
    this.fade(this.volume, 10 ** (decibels / 20));
  }

  // An impulse response at the context's rate; throws a sentence if it lets nothing through.
  setCabinet(response) {
    const kept = evened(
      response.subarray(0, LONGEST * this.context.sampleRate),
      this.context.sampleRate,
    );
    if (!kept) throw new Error("This impulse response lets no sound through; drop another file.");
    this.convolver.buffer = toBuffer(this.context, kept);
  }

  useCabinet(used) {
    this.fade(this.boxed, used ? 1 : 0);
    this.fade(this.bare, used ? 0 : 1);
  }

  // Ends what plays. It fades, because a source that is cut clicks.
  stop() {
    const now = this.context.currentTime;
    for (const { node, fade } of this.sources) {
      fade.gain.setTargetAtTime(0, now, FADE);
      if (node.stop) node.stop(now + 10 * FADE);
      else setTimeout(() => fade.disconnect(), 1000 * 10 * FADE);
    }
    this.sources = [];
  }

  // Plays audio over and over; beside it, times `gain`, a recording of the same length.
  loop(audio, recording = null, gain = 1) {
    this.stop();
    const start = this.context.currentTime + 0.02;
    for (const [mono, to, level] of [
      [audio, this.trim, 1],
      [recording, this.recording, gain],
    ]) {
      if (!mono) continue;
      const node = new AudioBufferSourceNode(this.context, {
        buffer: toBuffer(this.context, mono),
        loop: true,
      });
      const fade = new GainNode(this.context, { gain: level });
      node.connect(fade).connect(to);
      node.start(start);
      this.sources.push({ node, fade });
    }
  }

  // Plays what a microphone or an interface hears.
  live(stream) {
    this.stop();
    const node = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
    const fade = new GainNode(this.context, { gain: 1 });
    node.connect(fade).connect(this.trim);
    this.sources.push({ node, fade });
  }

  // The next window of what goes into the amp and comes out: {dry, out, load}. Its arrays go back
  // into the audio thread with the call after the next.
  look() {
    const pair = this.spare ?? [new Float32Array(LOOK), new Float32Array(LOOK)];
    this.spare = null;
    return new Promise((resolve) => {
      this.node.port.onmessage = ({ data }) => {
        this.spare = this.shown;
        this.shown = [data.dry, data.out];
        resolve(data);
      };
      this.node.port.postMessage(pair, [pair[0].buffer, pair[1].buffer]);
    });
  }
}
