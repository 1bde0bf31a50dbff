// node cabinet.mjs WEB RATE: what the page makes of an impulse response, raw little-endian float32
// from stdin to stdout.
import { readFileSync, writeFileSync } from "node:fs";

const [web, rate] = process.argv.slice(2);
const { evened } = await import(`file://${web}/cabinet.js`);
const bytes = readFileSync(0);
const taps = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
writeFileSync(1, new Uint8Array(evened(taps, Number(rate)).buffer));
