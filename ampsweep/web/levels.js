// Input trim, volume, cabinet and bypass.
import { defaultCabinet } from "./cabinet.js";
import { find, say } from "./elements.js";
import { decoded } from "./recordings.js";

export class Levels {
  constructor(rig) {
    this.rig = rig;
    slider("trim", (decibels) => rig.setTrim(decibels)).tell();
    slider("volume", (decibels) => rig.setVolume(decibels)).tell();
    this.ownCabinet();
    find("cabinet-on").addEventListener("change", ({ target }) => rig.useCabinet(target.checked));
    find("cabinet-default").addEventListener("click", () => this.ownCabinet());
    find("cabinet-file").addEventListener("change", ({ target }) => {
      if (target.files.length) this.loadCabinet(target.files[0]);
      target.value = "";
    });
    find("bypass").addEventListener("change", ({ target }) => {
      rig.hear(target.checked ? "bypass" : this.heard);
      document.body.classList.toggle("bypassed", target.checked);
    });
    this.heard = "model";
  }

  // The model, or the recording of the real amp.
  hear(what) {
    this.heard = what;
    if (!find("bypass").checked) this.rig.hear(what);
  }

  ownCabinet() {
    this.rig.setCabinet(defaultCabinet(this.rig.context.sampleRate));
    find("cabinet-note").textContent = "4 × 12, made here";
    find("cabinet-default").hidden = true;
  }

  async loadCabinet(file) {
    try {
      this.rig.setCabinet(await decoded(this.rig.context, file));
    } catch (error) {
      say(error.message, true);
      return;
    }
    find("cabinet-note").textContent = file.name;
    find("cabinet-default").hidden = false;
    find("cabinet-on").checked = true;
    this.rig.useCabinet(true);
    say(`${file.name} is the cabinet now.`);
  }
}

// A fader in decibels: changed(decibels) is called whenever a hand moves it, or by tell(); put()
// shows where something else has it.
export function slider(id, changed) {
  const input = find(id);
  const initial = input.value;
  const show = (decibels) => {
    const text = `${decibels > 0 ? "+" : ""}${decibels.toFixed(1).replace("-", "−")} dB`;
    find(`${id}-text`).textContent = text;
    input.setAttribute("aria-valuetext", text);
    input.style.setProperty("--part", (decibels - input.min) / (input.max - input.min));
  };
  const put = (decibels) => {
    input.value = decibels;
    show(decibels);
  };
  const tell = () => {
    show(Number(input.value));
    changed(Number(input.value));
  };
  input.addEventListener("input", tell);
  input.addEventListener("dblclick", () => {
    put(Number(initial));
    tell();
  });
  return { put, tell };
}
