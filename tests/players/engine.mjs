// node engine.mjs WEB ENGINE.wasm FOLDER: plays FOLDER/dry.f32 through each NAME.pedal there as the
// page does, with that build of the engine, at the positions of NAME.json, into NAME.f32.
// Raw little-endian float32, mono.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const [web, wasm, folder] = process.argv.slice(2);
const { Engine } = await import(`file://${web}/engine.js`);
const module = new WebAssembly.Module(readFileSync(wasm));
const bytes = readFileSync(`${folder}/dry.f32`);
const dry = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
for (const file of readdirSync(folder).filter((name) => name.endsWith(".pedal"))) {
  const path = `${folder}/${file.slice(0, -".pedal".length)}`;
  const engine = new Engine(module, readFileSync(`${path}.pedal`));
  JSON.parse(readFileSync(`${path}.json`)).forEach((position, knob) => engine.set(knob, position));
  engine.restart();
  writeFileSync(`${path}.f32`, new Uint8Array(engine.render(dry).buffer));
}
