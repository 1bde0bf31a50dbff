// Knobs from a MIDI controller. Unless taught otherwise, knobs 1 to 12 listen to control changes 20
// to 31, 13 to 30 to 102 to 119, the last two to 14 and 15: as on the pedal.
import { clamped } from "./positions.js";

const KEPT = "ampsweep-midi";

export function numbersOf(count) {
  const order = [...span(20, 31), ...span(102, 119), 14, 15];
  return order.slice(0, count);
}

const span = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export class Midi {
  // turned(knob, position) is called for each control change that is a knob's.
  constructor(knobs, turned) {
    this.knobs = knobs;
    this.turned = turned;
    this.numbers = kept(knobs) ?? numbersOf(knobs.length);
    this.learning = null; // the knob that the next control change is for
  }

  // Listens to whatever is plugged in, now or later; changed(how many inputs there are) is called.
  // Throws a sentence.
  async open(changed) {
    if (!navigator.requestMIDIAccess) {
      throw new Error("This browser has no MIDI; Chrome, Edge and Firefox have.");
    }
    let access;
    try {
      access = await navigator.requestMIDIAccess();
    } catch (error) {
      throw new Error(
        error.name === "InvalidStateError"
          ? "The browser finds no MIDI on this machine; plug a controller in, then load this page again."
          : "The browser does not let this page use MIDI; allow it in the page's settings.",
      );
    }
    const listen = () => {
      for (const input of access.inputs.values())
        input.onmidimessage = ({ data }) => this.hear(data);
      changed(access.inputs.size);
    };
    access.onstatechange = listen;
    listen();
  }

  hear([status, number, value]) {
    if ((status & 0xf0) !== 0xb0) return;
    if (this.learning !== null) {
      this.numbers = this.numbers.map((own) => (own === number ? -1 : own));
      this.numbers[this.learning] = number;
      keep(this.knobs, this.numbers);
      this.learning = null;
    }
    const knob = this.numbers.indexOf(number);
    if (knob < 0) return;
    const { minimum, maximum } = this.knobs[knob];
    this.turned(knob, clamped(this.knobs[knob], minimum + (value / 127) * (maximum - minimum)));
  }
}

// A browser may refuse to keep anything; then what was taught lasts as long as the page.
function keep(knobs, numbers) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ names: knobs.map(({ name }) => name), numbers }));
  } catch {
    return;
  }
}

function kept(knobs) {
  try {
    const { names, numbers } = JSON.parse(localStorage.getItem(KEPT));
    return names.join() === knobs.map(({ name }) => name).join() ? numbers : null;
  } catch {
    return null;
  }
}
