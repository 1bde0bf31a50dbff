// What plays: a guitar made here, a file, a live input, or the dry of a recording.
import { element, find, say } from "./elements.js";
import { PHRASE_NAMES, playing } from "./playing.js";
import { decoded } from "./recordings.js";

const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Sources {
  // began() and ended() are called when sound does.
  constructor(context, rig, { began, ended }) {
    Object.assign(this, { context, rig, began, ended });
    this.playing = false;
    this.kind = "made";
    this.made = new Map();
    this.chosen = () => {}; // called with the kind of each source that is chosen
    find("phrase").append(...PHRASE_NAMES.map((name) => element("option", {}, name)));
    find("phrase").addEventListener("change", () => this.choose("made"));
    find("play").addEventListener("click", () => this.toggle());
    find("sources").addEventListener("change", ({ target }) => this.choose(target.value));
    find("file").addEventListener("change", ({ target }) => {
      if (target.files.length) this.open(target.files[0]);
      target.value = "";
    });
    find("begin-live").addEventListener("click", () => this.listen());
    find("inputs").addEventListener("change", () => this.listen());
  }

  async toggle() {
    if (this.playing) await this.halt();
    else await this.play();
  }

  async play() {
    await this.context.resume();
    if (!this.start()) {
      const live = "Say first that headphones are on; then your guitar is heard.";
      say(this.kind === "live" ? live : "Choose a file first, or drop one on this page.");
      return;
    }
    this.playing = true;
    this.show();
    this.began();
  }

  async halt() {
    this.playing = false;
    this.rig.stop();
    this.hangUp();
    this.show();
    // Not at once: what fades is heard for a little longer.
    setTimeout(() => this.playing || this.context.suspend(), 150);
    this.ended();
  }

  show() {
    find("play").setAttribute("aria-pressed", this.playing);
    find("play").querySelector("span").textContent = this.playing ? "Stop" : "Play";
  }

  // Another source, which goes on playing if one played.
  choose(kind) {
    this.kind = kind;
    this.chosen(kind);
    document.querySelector(`input[name=source][value=${kind}]`).checked = true;
    for (const each of ["made", "file", "live", "capture"]) {
      find(`about-${each}`).hidden = each !== kind;
    }
    if (kind !== "live") this.hangUp();
    if (this.playing && !this.start()) this.halt();
  }

  // Whether there was something to play.
  start() {
    if (this.kind === "made") this.rig.loop(this.phrase(find("phrase").value));
    else if (this.kind === "file" && this.file) this.rig.loop(this.file);
    else if (this.kind === "capture" && this.capture) this.rig.loop(...this.capture);
    else if (this.kind === "live" && this.stream) this.rig.live(this.stream);
    else return false;
    return true;
  }

  phrase(name) {
    if (!this.made.has(name)) this.made.set(name, playing(name, this.context.sampleRate));
    return this.made.get(name);
  }

  // Plays a file from now on; what is no audio is said, and changes nothing.
  async open(file) {
    let audio;
    try {
      audio = await decoded(this.context, file);
    } catch (error) {
      say(error.message, true);
      return;
    }
    this.file = audio;
    find("file-note").textContent =
      `${file.name}, ${(audio.length / this.context.sampleRate).toFixed(1)} s, over and over`;
    this.choose("file");
    say(`${file.name} plays from now on.`);
    if (!this.playing) await this.play();
  }

  // The dry of a recording, and beside it what the real amp made of it.
  async compare(dry, wet, gain) {
    this.capture = [dry, wet, gain];
    find("capture-source").hidden = false;
    this.choose("capture");
    if (!this.playing) await this.play();
  }

  async listen() {
    this.hangUp();
    const chosen = find("inputs").value;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          ...RAW,
          channelCount: 1,
          latency: 0,
          ...(chosen && { deviceId: { exact: chosen } }),
        },
      });
      this.kind = "live";
      await this.play();
    } catch (error) {
      this.hangUp();
      say(`The input cannot be heard (${reasonOf(error)}); allow it in the page's settings.`, true);
      return;
    }
    find("warning").hidden = true;
    find("inputs-label").hidden = false;
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter(
      ({ kind }) => kind === "audioinput",
    );
    const [track] = this.stream.getTracks();
    const own = track.getSettings().deviceId;
    find("inputs").replaceChildren(
      ...devices.map(({ deviceId, label }) => {
        const option = element("option", { value: deviceId }, label || "Input");
        option.selected = deviceId === own;
        return option;
      }),
    );
    track.addEventListener("ended", () => {
      say(`${track.label || "The input"} was unplugged; plug it in, then begin again.`, true);
      this.halt();
    });
  }

  // Lets go of the live input, so that the browser no longer shows it in use.
  hangUp() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    find("warning").hidden = false;
    find("inputs-label").hidden = true;
    find("live-note").textContent = "";
  }

  // "12 ms to your ears", as the browser tells it.
  latency() {
    const out = 1000 * (this.context.baseLatency + (this.context.outputLatency || 0));
    if (this.kind !== "live" || !this.stream) return `output ${out.toFixed(0)} ms`;
    const heard = this.stream.getTracks()[0].getSettings().latency;
    const total = out + 1000 * (heard ?? 0);
    const parts = `input ${(1000 * heard).toFixed(0)}, output ${out.toFixed(0)}`;
    find("live-note").textContent =
      heard === undefined
        ? `From engine to ear ${out.toFixed(0)} ms; the browser does not say what the input adds.`
        : `From string to ear ${total.toFixed(0)} ms, as the browser has it: ${parts}.`;
    return `latency ${total.toFixed(0)} ms`;
  }
}

function reasonOf({ name, message }) {
  const known = { NotAllowedError: "it is not allowed", NotFoundError: "there is none" };
  return known[name] ?? message.replace(/\.$/, "").toLowerCase();
}
