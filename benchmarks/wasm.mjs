// The engine in WebAssembly beside NeuralAmpModelerCore's own (@opendaw/nam-wasm), on the same
// snapshots, in one process, by turns: node benchmarks/wasm.mjs MODEL.pedal SNAPSHOT.nam …
//
// The setting of each snapshot is read from its metadata. `benchmarks/wasm.py` makes such pairs.
import { readFileSync } from "node:fs";
import { cpuUsage } from "node:process";
import { Engine } from "../ampsweep/web/engine.js";
import {
  createNamModule,
  NamWasmModule,
} from "../tests/players/node_modules/@opendaw/nam-wasm/dist/index.js";

const SECONDS = 4;
const ROUNDS = 5;
const RATE = 48_000;
const BLOCK = 128; // frames, as in a browser

const fileOf = (path) => readFileSync(new URL(path, import.meta.url));
const theirs = fileOf("../tests/players/node_modules/@opendaw/nam-wasm/dist/nam.wasm");
const ours = new WebAssembly.Module(fileOf("../ampsweep/web/engine.wasm"));

const dry = Float32Array.from({ length: SECONDS * RATE }, (_, i) => {
  const beat = (i % 24_000) / 24_000; // two plucks a second
  return 0.4 * Math.exp(-4 * beat) * Math.sin(i * 0.0144) + 0.1 * Math.sin(i * 0.091);
});

function engineOf(path, setting) {
  const image = readFileSync(path);
  const engine = new Engine(ours, image);
  setting.forEach((position, knob) => engine.set(knob, position));
  engine.restart();
  return (from, to) => engine.process(from, to);
}

async function coreOf(path) {
  const core = NamWasmModule.fromModule(await createNamModule({ wasmBinary: theirs }), BLOCK);
  core.setSampleRate(RATE);
  core.setMaxBufferSize(BLOCK);
  const instance = core.createInstance();
  if (!core.loadModel(instance, readFileSync(path, "utf8")))
    throw new Error(`${path} does not load`);
  return (from, to) => core.process(instance, from, to);
}

function played(process) {
  const wet = new Float32Array(dry.length);
  const began = cpuUsage();
  for (let i = 0; i < dry.length; i += BLOCK) {
    process(dry.subarray(i, i + BLOCK), wet.subarray(i, i + BLOCK));
  }
  const { user, system } = cpuUsage(began); // microseconds: other programs on the core do not count
  return [wet, (1e6 * SECONDS) / (user + system)];
}

let least = Infinity;
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

console.log("model | × real time of one core: this engine | NeuralAmpModelerCore | ratio | largest difference");
for (let i = 2; i < process.argv.length; i += 2) {
  const [image, nam] = process.argv.slice(i, i + 2);
  const { setting, model } = JSON.parse(readFileSync(nam)).metadata.ampsweep;
  const each = [engineOf(image, Object.values(setting)), await coreOf(nam)];
  const speeds = [[], []];
  let apart = 0;
  for (let round = 0; round <= ROUNDS; ++round) {
    const [[own, fast], [other, slow]] = each.map(played);
    if (round === 0) continue; // compiled as it runs, and the two begin in states of their own
    speeds[0].push(fast);
    speeds[1].push(slow);
    apart = own.reduce((most, sample, k) => Math.max(most, Math.abs(sample - other[k])), apart);
  }
  const [fast, slow] = speeds.map(median);
  least = Math.min(least, fast / slow);
  console.log(
    [
      model,
      fast.toFixed(1),
      slow.toFixed(1),
      (fast / slow).toFixed(1),
      apart.toExponential(0),
    ].join(" | "),
  );
}
console.log(`At least ${least.toFixed(1)} times as fast as NeuralAmpModelerCore.`);
