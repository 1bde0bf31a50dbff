// node live.mjs ADDRESS FOLDER: a page beside a model that is played live. Prints a line of JSON for
// each step, and waits for a line before the next one: what happens between is the other side's.
import { createInterface } from "node:readline";
import { launch, open } from "./browser.mjs";

const [address, folder] = process.argv.slice(2);
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const seen = { faults: [], asked: [] };
const browser = await launch();
const page = await open(browser, address, seen, { viewport: { width: 1100, height: 900 } });
const knobs = await page.$$eval("[role=slider]", (all) => all.map((dial) => dial.ariaLabel));
const text = (id) => page.textContent(`#${id}`);

async function standing() {
  const dials = page.locator("[role=slider]");
  const values = await dials.evaluateAll((all) => all.map((dial) => Number(dial.ariaValueNow)));
  return {
    live: await page.textContent(".live"),
    device: await text("device"),
    between: await text("between"),
    facts: await page.textContent(".facts"),
    knobs: Object.fromEntries(knobs.map((name, index) => [name, values[index]])),
    input: await text("trim-text"),
    bypassed: await page.isChecked("#bypass"),
    decibels: await page.textContent("#meter-out .decibels"),
  };
}

async function told(found) {
  console.log(JSON.stringify(found));
  return JSON.parse((await lines.next()).value);
}

// What stands there at first; then a knob, a fader and bypass are turned here.
await told(await standing());
await page.locator("[role=slider]").first().focus();
await page.keyboard.press("End");
await page.focus("#trim");
await page.keyboard.press("Home");
await page.check("#bypass");
// The other side turns something, and says which knob shall stand where.
const { knob, value } = await told(await standing());
const moved = ([knob, value]) =>
  Math.abs(document.querySelector(`[aria-label="${knob}"]`).ariaValueNow - value) < 1e-4;
await page.waitForFunction(moved, [knob, value]);
await page.screenshot({ path: `${folder}/live-page.png`, fullPage: true });
const phone = await open(browser, address, seen, { viewport: { width: 360, height: 740 } });
await phone.waitForFunction(moved, [knob, value]);
await phone.screenshot({ path: `${folder}/live-phone.png`, fullPage: true });
const width = await phone.evaluate(() => document.documentElement.scrollWidth);
await phone.close();
// And ends.
await told({ ...(await standing()), width });
await page.waitForSelector("#wrong:not(:empty)");
console.log(JSON.stringify({ wrong: await text("wrong"), ...seen }));
await browser.close();
input.close();
