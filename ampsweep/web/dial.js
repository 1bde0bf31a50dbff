// A knob of the panel, as one turns it: drag, wheel, arrow keys, double-click for the default.
import { element, svg } from "./elements.js";
import { clamped, positionText } from "./positions.js";

const REACH = 270; // degrees from end to end
const TRAVEL = 180; // pixels of a drag from end to end
const CENTRE = 60;

export class Dial {
  // turned(value) is called for every move of the person's.
  constructor(knob, turned) {
    this.knob = knob;
    this.turned = turned;
    this.hand = svg("g", { class: "hand" });
    this.arc = svg("path", { class: "arc" });
    this.text = element("output", { class: "value", "aria-hidden": "true" });
    this.face = drawn(knob, this.arc, this.hand);
    this.slider = element(
      "div",
      {
        class: "dial",
        role: "slider",
        tabindex: "0",
        "aria-label": knob.name,
        "aria-valuemin": knob.minimum,
        "aria-valuemax": knob.maximum,
        title: "Drag up or down, turn the wheel, press arrow keys; double-click for the default",
      },
      this.face,
    );
    this.element = element(
      "div",
      { class: "control" },
      element("span", { class: "name", "aria-hidden": "true" }, knob.name),
      this.slider,
      this.text,
    );
    this.listen();
    this.set(knob.initial);
  }

  // Shows a position; nobody is told.
  set(value) {
    this.value = clamped(this.knob, value);
    const turn = REACH * (partOf(this.knob, this.value) - 0.5);
    this.hand.setAttribute("transform", `rotate(${turn} ${CENTRE} ${CENTRE})`);
    const { minimum, maximum } = this.knob;
    const from = minimum < 0 && maximum > 0 ? partOf(this.knob, 0) : 0; // zero, if it is inside
    this.arc.setAttribute("d", arc(44, REACH * (from - 0.5), turn));
    const text = positionText(this.knob, this.value);
    this.text.textContent = text;
    this.slider.setAttribute("aria-valuenow", Number(this.value.toPrecision(6)));
    this.slider.setAttribute("aria-valuetext", text);
  }

  turn(value) {
    const before = this.value;
    this.set(value);
    if (this.value !== before) this.turned(this.value);
  }

  // By parts of the range; a switch goes detent by detent.
  step(parts) {
    const { minimum, maximum, detents } = this.knob;
    const by = detents.length ? Math.sign(parts) : parts * (maximum - minimum);
    this.turn(this.value + by);
  }

  listen() {
    const { slider, knob } = this;
    let drag = null;
    slider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      slider.setPointerCapture(event.pointerId);
      slider.focus({ preventScroll: true });
      slider.classList.add("held");
      drag = { x: event.clientX, y: event.clientY, part: partOf(knob, this.value) };
      event.preventDefault();
    });
    slider.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const way = (drag.y - event.clientY + (event.clientX - drag.x)) / TRAVEL;
      drag.part += event.shiftKey ? way / 10 : way;
      [drag.x, drag.y] = [event.clientX, event.clientY];
      const part = Math.min(1, Math.max(0, drag.part));
      this.turn(knob.minimum + part * (knob.maximum - knob.minimum));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      slider.addEventListener(end, () => {
        drag = null;
        slider.classList.remove("held");
      });
    }
    slider.addEventListener("dblclick", () => this.turn(knob.initial));
    slider.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const way = Math.abs(event.deltaY) > Math.abs(event.deltaX) ? -event.deltaY : event.deltaX;
        if (way) this.step((Math.sign(way) * (event.shiftKey ? 1 : 10)) / 1000);
      },
      { passive: false },
    );
    slider.addEventListener("keydown", (event) => {
      const fine = event.shiftKey ? 0.001 : 0.01;
      const keys = {
        ArrowUp: () => this.step(fine),
        ArrowRight: () => this.step(fine),
        ArrowDown: () => this.step(-fine),
        ArrowLeft: () => this.step(-fine),
        PageUp: () => this.step(0.1),
        PageDown: () => this.step(-0.1),
        Home: () => this.turn(knob.minimum),
        End: () => this.turn(knob.maximum),
        Delete: () => this.turn(knob.initial),
        Backspace: () => this.turn(knob.initial),
      };
      const does = keys[event.key];
      if (!does || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      does();
    });
  }
}

function partOf({ minimum, maximum }, value) {
  return (value - minimum) / (maximum - minimum);
}

function at(radius, degrees) {
  const angle = ((degrees - 90) * Math.PI) / 180;
  return [CENTRE + radius * Math.cos(angle), CENTRE + radius * Math.sin(angle)];
}

function arc(radius, from, to) {
  const [start, end] = from < to ? [from, to] : [to, from];
  if (end - start < 0.01) return "";
  const [x0, y0] = at(radius, start);
  const [x1, y1] = at(radius, end);
  return `M${x0} ${y0}A${radius} ${radius} 0 ${end - start > 180 ? 1 : 0} 1 ${x1} ${y1}`;
}

// The scale around it, numbered where that makes whole numbers, as panels are; the skirt; the cap.
function drawn(knob, arcPath, hand) {
  const { minimum, maximum, detents } = knob;
  const range = maximum - minimum;
  const few = Number.isInteger(range) && range >= 4 && range <= 12;
  const steps = detents.length ? detents.length - 1 : few ? range : 10;
  const whole = Number.isInteger(range / steps) && range <= 20;
  const scale = svg("g", { class: "scale" });
  for (let step = 0; step <= steps; ++step) {
    const turn = REACH * (step / steps - 0.5);
    const [[x0, y0], [x1, y1]] = [at(39.5, turn), at(42.5, turn)];
    scale.append(svg("path", { d: `M${x0} ${y0}L${x1} ${y1}` }));
    if (!detents.length && (whole || step % steps === 0)) {
      const [x, y] = at(53, turn);
      const value = minimum + (step * range) / steps;
      scale.append(svg("text", { x, y }, short(value)));
    }
  }
  hand.append(
    svg("circle", { class: "skirt", cx: CENTRE, cy: CENTRE, r: 36 }),
    svg("path", { class: "flutes", d: flutes() }),
    svg("circle", { class: "cap", cx: CENTRE, cy: CENTRE, r: 25 }),
    svg("path", { class: "pointer", d: `M${CENTRE} 26V46` }),
  );
  return svg(
    "svg",
    { viewBox: "0 0 120 112", "aria-hidden": "true" },
    svg("path", { class: "track", d: arc(44, -REACH / 2, REACH / 2) }),
    arcPath,
    scale,
    hand,
  );
}

function flutes() {
  return Array.from({ length: 30 }, (_, i) => {
    const [[x0, y0], [x1, y1]] = [at(30.5, 12 * i), at(34.5, 12 * i)];
    return `M${x0.toFixed(2)} ${y0.toFixed(2)}L${x1.toFixed(2)} ${y1.toFixed(2)}`;
  }).join("");
}

function short(value) {
  const size = Math.abs(value);
  const text =
    size >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : `${Number(value.toPrecision(3))}`;
  return text.replace("-", "−");
}
