// node loudness.mjs WEB RATE: the loudness in LUFS, as the page measures it, of raw little-endian
// float32 from stdin.
import { readFileSync } from "node:fs";

const [web, rate] = process.argv.slice(2);
const { loudness } = await import(`file://${web}/loudness.js`);
const bytes = readFileSync(0);
const audio = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
console.log(loudness(audio, Number(rate)));
