// node page.mjs JOB.json: what a person does on the page of `ampsweep play`, and what came of it.
// JOB: address, folder (where pictures and files go), dry (base64 of float32), positions, moves.
import { readFileSync } from "node:fs";
import { heard, launch, open, playing } from "./browser.mjs";

const job = JSON.parse(readFileSync(process.argv[2]));
const seen = { faults: [], asked: [] };
const found = {};
const browser = await launch();
const page = await open(browser, job.address, seen, { viewport: { width: 1180, height: 1000 } });
const began = Date.now();
const step = (name) => console.error(`${((Date.now() - began) / 1000).toFixed(1)} s: ${name}`);
const text = (id) => page.textContent(`#${id}`);
const dial = (name) => page.getByRole("slider", { name });
const standing = (name) => dial(name).getAttribute("aria-valuetext");
const press = (...keys) =>
  keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());

found.loads = {
  device: await text("device"),
  wrong: await text("wrong"),
  audio: await page.evaluate(() => window.page.rig.context.state),
  still: await heard(page),
};

// Offline, in the browser's own audio thread.
const offline = (positions, moves) =>
  page.evaluate(
    async ({ dry, positions, moves }) => {
      const { rendered } = await import("./rig.js");
      const bytes = Uint8Array.from(atob(dry), (letter) => letter.charCodeAt(0));
      const wet = await rendered(
        48000,
        window.page.panel.image,
        new Float32Array(bytes.buffer),
        positions,
        moves,
      );
      let letters = "";
      for (const byte of new Uint8Array(wet.buffer, wet.byteOffset, wet.byteLength))
        letters += String.fromCharCode(byte);
      return btoa(letters);
    },
    { dry: job.dry, positions, moves },
  );
step("offline");
found.exact = {
  still: await offline(job.positions, []),
  moving: await offline(job.positions, job.moves),
};

// It plays.
step("plays");
await page.click("#play");
await playing(page);
await page.waitForFunction(
  () => document.querySelector("#meter-out .decibels").textContent !== "–∞",
);
found.plays = {
  heard: await heard(page),
  facts: await text("load"),
  latency: await text("latency"),
};
await page.screenshot({ path: `${job.folder}/playing.png`, fullPage: true });

// Knobs: keys, wheel, drag, double-click; and the address.
await dial("Gain").focus();
step("knobs");
const keys = {};
for (const key of ["Home", "ArrowUp", "PageUp", "Shift+ArrowRight", "End", "ArrowDown", "Delete"]) {
  await press(key);
  keys[key] = await standing("Gain");
}
await dial("Tone").hover();
await page.mouse.wheel(0, -100);
const wheel = await standing("Tone");
const box = await dial("Tone").boundingBox();
await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
await page.mouse.down();
await page.mouse.move(box.x + box.width / 2, box.y - 400, { steps: 8 });
await page.mouse.up();
const drag = await standing("Tone");
await page.waitForFunction(() => location.hash.includes("Tone=4"));
const address = page.url();
await dial("Tone").dblclick();
found.knobs = { keys, wheel, drag, address, double: await standing("Tone") };
step("address");
await page.evaluate(() => (location.hash = "#gain=1&Bright=b&Tone=nonsense&Volume=3"));
await page.waitForFunction(
  () => document.querySelector("[aria-label=Gain]").getAttribute("aria-valuetext") === "1.0",
);
found.address = {
  gain: await standing("Gain"),
  tone: await standing("Tone"),
  bright: await page.getByLabel("Bright b").isChecked(),
};

// The engine is where the knobs are, a moment later.
await page.waitForFunction(() => window.page.rig.node.parameters.get("knob0").value === 1);

// Bypass and cabinet.
const gains = () =>
  page.evaluate(() => {
    const { model, real, bypass, boxed, bare } = window.page.rig;
    return Object.fromEntries(
      Object.entries({ model, real, bypass, boxed, bare }).map(([name, node]) => [
        name,
        node.gain.value,
      ]),
    );
  });
const settled = (name, value) =>
  page.waitForFunction(
    ([name, value]) => Math.abs(window.page.rig[name].gain.value - value) < 1e-3,
    [name, value],
  );
step("bypass");
await page.check("#bypass");
await settled("bypass", 1);
await page.uncheck("#cabinet-on");
await settled("boxed", 0);
found.bypassed = await gains();
await page.uncheck("#bypass");
await page.check("#cabinet-on");
await settled("boxed", 1);
await settled("model", 1);

// Beside the real amp.
step("beside");
found.offered = { nearest: await text("nearest"), away: await text("away") };
await page.click("#jump");
await page.waitForSelector("#hear:not([disabled])");
await page.getByText("B · Real amp").click();
await settled("real", 1);
found.beside = { gains: await gains(), away: await text("away"), said: await text("said") };
found.loudness = await page.evaluate(async () => {
  const { rendered } = await import("./rig.js");
  const [dry, wet, gain] = window.page.sources.capture;
  const { image, positions } = window.page.panel;
  const model = await rendered(48000, image, dry, positions);
  const text = (audio) => {
    let letters = "";
    for (const byte of new Uint8Array(audio.buffer)) letters += String.fromCharCode(byte);
    return btoa(letters);
  };
  return [model, wet.map((sample) => gain * sample)].map(text);
});
await page.getByText("Guitar, built in").click();
await settled("model", 1);
found.left = { gains: await gains(), disabled: await page.$eval("#hear", (node) => node.disabled) };

// Files that are dropped.
const drop = (where, name, bytes) =>
  page.evaluate(
    ([where, name, bytes]) => {
      const data = new DataTransfer();
      data.items.add(
        new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name),
      );
      const init = { dataTransfer: data, bubbles: true, cancelable: true };
      const target = document.querySelector(where);
      target.dispatchEvent(new DragEvent("dragover", init));
      target.dispatchEvent(new DragEvent("drop", init));
    },
    [where, name, bytes],
  );
const told = async (id, part) => {
  await page.waitForFunction(
    ([id, part]) => document.getElementById(id).textContent.includes(part),
    [id, part],
  );
  return text(id);
};
step("drops");
found.drops = {};
for (const [name, bytes] of Object.entries(job.bad)) {
  await drop("main", name, bytes);
  found.drops[name] = await told("wrong", name);
}
await drop("#cabinet", "notes.txt", job.bad["notes.txt"]);
found.drops.cabinet = [await told("wrong", "notes.txt"), await text("cabinet-note")];
await drop("main", "good.wav", job.good);
found.drops.good = [await told("said", "good.wav"), await text("file-note")];
await drop("#cabinet *", "ir.wav", job.good);
found.drops.ir = [await told("said", "ir.wav"), await text("cabinet-note")];
await page.click("#cabinet-default");

// A live input.
await page.getByText("Your guitar").click();
step("live");
const warning = await text("warning");
await page.click("#begin-live");
await page.waitForFunction(() => document.getElementById("live-note").textContent.includes("ms"));
found.live = { warning, note: await text("live-note"), input: await page.inputValue("#inputs") };
await page.screenshot({ path: `${job.folder}/live.png`, fullPage: true });
await page.getByText("Guitar, built in").click();

// A controller's message, and one that was taught.
step("midi");
found.midi = await page.evaluate(() => {
  const { midi, facts, positions } = window.page.panel;
  const at = () => [...positions];
  midi.hear([0xb0, 20, 127]);
  const first = at();
  midi.learning = 1;
  midi.hear([0xb3, 74, 0]);
  midi.hear([0x90, 74, 127]); // a note is none of ours
  const taught = at();
  midi.hear([0xb0, 22, 127]);
  return { first, taught, third: at(), names: facts.knobs.map(({ name }) => name) };
});

// The browser's own MIDI: first it may not be used; then it may, where there is any.
await page.click("#midi");
found.midi.refused = await told("wrong", "MIDI");
await page.click("#wrong");
await page.context().grantPermissions(["midi", "midi-sysex"]);
await page.click("#midi");
await page.waitForSelector("#midi-note:not(:empty), #wrong:not(:empty)");
found.midi.allowed = (await text("midi-note")) + (await text("wrong"));

// A snapshot to take away.
step("snapshot");
const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
await download.saveAs(`${job.folder}/snapshot.nam`);
found.saved = {
  name: download.suggestedFilename(),
  positions: await page.evaluate(() => window.page.panel.positions),
};

// By keyboard alone, in the colours of the night.
step("keyboard");
await page.close();
const dark = await open(browser, job.address, seen, {
  viewport: { width: 1180, height: 1000 },
  colorScheme: "dark",
});
const order = [];
for (let i = 0; i < 40; ++i) {
  await dark.keyboard.press("Tab");
  const name = await dark.evaluate(() => {
    const { activeElement: at } = document;
    if (at === document.body) return null;
    if (at.matches("select")) return at.id;
    return (
      at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent.trim() ?? at.textContent.trim()
    );
  });
  if (name === null) break;
  order.push(name);
}
await dark.keyboard.press("Space");
await playing(dark);
await dark.focus("#phrase");
await dark.keyboard.press("ArrowDown");
await dark.focus("input[name=source]");
await dark.keyboard.press("ArrowRight");
found.keyboard = {
  order,
  phrase: await dark.inputValue("#phrase"),
  source: await dark.$eval("input[name=source]:checked", (input) => input.value),
  playing: await dark.getAttribute("#play", "aria-pressed"),
};
await dark.screenshot({ path: `${job.folder}/dark.png`, fullPage: true });

// A phone.
step("phone");
const phone = await open(browser, `${job.address}#Gain=7`, seen, {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
});
await phone.tap("#play");
await playing(phone);
const gain = await phone.getByRole("slider", { name: "Gain" }).boundingBox();
found.phone = {
  width: await phone.evaluate(() => document.documentElement.scrollWidth),
  gain: await phone.getByRole("slider", { name: "Gain" }).getAttribute("aria-valuetext"),
  finger: Math.min(gain.width, gain.height),
};
await phone.screenshot({ path: `${job.folder}/phone.png` });
await phone.screenshot({ path: `${job.folder}/phone-all.png`, fullPage: true });

// The same as one file, and as a folder on another server.
step("elsewhere");
for (const [name, address] of Object.entries(job.elsewhere)) {
  const other = await open(browser, address, seen, { viewport: { width: 900, height: 700 } });
  await other.click("#play");
  await playing(other);
  found[name] = {
    device: await other.textContent("#device"),
    recordings: await other.isVisible("#beside"),
  };
}
await browser.close();
console.log(JSON.stringify({ ...found, ...seen }));
