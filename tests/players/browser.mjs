// A real Chromium, and what went wrong in its pages.
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A microphone that beeps, and nobody to ask.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

export async function launch() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

// A page that is ready to play; `faults` and `asked` fill up as it runs.
export async function open(browser, url, { faults, asked }, options = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  context.setDefaultTimeout(60_000); // for what is there at once on an idle machine
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  await page.waitForSelector("#all:not([hidden]), #wrong:not(:empty)");
  const wrong = await page.textContent("#wrong");
  if (wrong) throw new Error(`${url}: ${wrong} ${faults.join(" ")}`);
  return page;
}

export const playing = (page) =>
  page.waitForFunction(() => document.getElementById("load").textContent.startsWith("engine"));

// The RMS of what is heard, over about a tenth of a second.
export const heard = (page) =>
  page.evaluate(() => {
    const audio = new Float32Array(4096);
    window.page.rig.heard.getFloatTimeDomainData(audio);
    return Math.sqrt(audio.reduce((sum, sample) => sum + sample * sample, 0) / audio.length);
  });
