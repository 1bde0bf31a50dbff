// A switch of the panel: its detents beside each other.
import { element } from "./elements.js";
import { clamped } from "./positions.js";

export const MOST_DETENTS = 4; // a switch with more of them is drawn as a dial
let made = 0;

export class Toggle {
  constructor(knob, turned) {
    this.knob = knob;
    const name = `switch${made++}`;
    this.inputs = knob.detents.map((label, detent) => {
      const input = element("input", {
        type: "radio",
        name,
        "aria-label": `${knob.name} ${label}`,
      });
      input.addEventListener("change", () => {
        this.value = detent;
        turned(detent);
      });
      return input;
    });
    this.element = element(
      "fieldset",
      { class: "control toggle" },
      element("legend", { class: "name" }, knob.name),
      element(
        "div",
        { class: "detents" },
        ...this.inputs.map((input, detent) =>
          element("label", {}, input, element("span", {}, knob.detents[detent])),
        ),
      ),
    );
    this.element.addEventListener("dblclick", () => {
      if (this.value === knob.initial) return;
      this.set(knob.initial);
      turned(knob.initial);
    });
    this.set(knob.initial);
  }

  set(value) {
    this.value = clamped(this.knob, value);
    this.inputs[this.value].checked = true;
  }
}
