// node fold.mjs WEB IMAGE POSITIONS: the .nam that the page makes of a pedal image, as JSON.
import { readFileSync } from "node:fs";

const [web, path, positions] = process.argv.slice(2);
const { readImage } = await import(`file://${web}/image.js`);
const { snapshot } = await import(`file://${web}/snapshot.js`);
const image = readImage(readFileSync(path));
console.log(JSON.stringify(snapshot(image, JSON.parse(positions), -12.34567)));
