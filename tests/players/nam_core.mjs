// Plays audio through a .nam file with NeuralAmpModelerCore, as WebAssembly.
// node nam_core.mjs MODEL.nam IN.f32 OUT.f32 RATE BLOCK: raw little-endian float32, mono.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createNamModule, NamWasmModule } from "@opendaw/nam-wasm";

const [model, input, output, rate, frames] = process.argv.slice(2);
const BLOCK = Number(frames);

// Given the bytes, because Node.js fetches no file: URL.
const wasm = createRequire(import.meta.url).resolve("@opendaw/nam-wasm/nam.wasm");
const module = await createNamModule({ wasmBinary: readFileSync(wasm) });
const nam = NamWasmModule.fromModule(module, BLOCK);
nam.setSampleRate(Number(rate));
nam.setMaxBufferSize(BLOCK);
const instance = nam.createInstance();
if (!nam.loadModel(instance, readFileSync(model, "utf8")) || !nam.hasModel(instance)) {
  console.error(`${model} does not load`);
  process.exit(1);
}

const bytes = readFileSync(input);
const dry = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const wet = new Float32Array(dry.length);
for (let i = 0; i < dry.length; i += BLOCK) {
  nam.process(instance, dry.subarray(i, i + BLOCK), wet.subarray(i, i + BLOCK));
}
writeFileSync(output, new Uint8Array(wet.buffer));
