// What one sees of the sound: waveform, spectrum, transfer curve, meters. Each is a canvas.
import { PEAK } from "./curve.js";

const [LOWEST, HIGHEST] = [40, 16_000]; // Hz
const [FLOOR, CEILING] = [-100, -10]; // dB

class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  // An empty canvas in the page's colours, as large as it is shown.
  clear() {
    const { canvas, pen } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (
      canvas.width !== Math.round(width * ratio) ||
      canvas.height !== Math.round(height * ratio)
    ) {
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    const style = getComputedStyle(canvas);
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    return [width, height];
  }

  line(points, colour, width = 1.5) {
    const { pen } = this;
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.strokeStyle = this.colour(colour);
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.stroke();
  }

  word(text, x, y, align = "left") {
    this.pen.fillStyle = this.colour("muted");
    this.pen.textAlign = align;
    this.pen.fillText(text, x, y);
  }
}

// What goes in, behind what comes out; it stands still where the wave goes up through zero.
export class Scope extends Picture {
  draw({ dry, out }) {
    const [width, height] = this.clear();
    const shown = dry.length / 2;
    let first = 0;
    for (let i = 1; i < shown; ++i) {
      if (dry[i - 1] <= 0 && dry[i] > 0 && dry[Math.min(i + 12, shown)] > dry[first + 12])
        first = i;
    }
    this.line(
      [
        [0, height / 2],
        [width, height / 2],
      ],
      "grid",
      1,
    );
    const wave = (audio) =>
      Array.from({ length: Math.ceil(width) }, (_, x) => {
        const sample = audio[first + Math.floor((x / width) * (shown - 1))];
        return [x, height * (0.5 - 0.47 * Math.max(-1, Math.min(1, sample)))];
      });
    this.line(wave(dry), "dry", 1.2);
    this.line(wave(out), "accent", 1.8);
  }
}

export class Spectrum extends Picture {
  constructor(canvas, given, heard) {
    super(canvas);
    this.nodes = [
      [given, "dry", 1.2],
      [heard, "accent", 1.8],
    ];
    this.bins = new Float32Array(heard.frequencyBinCount);
  }

  draw(playing) {
    const [width, height] = this.clear();
    const at = (hertz) => (width * Math.log(hertz / LOWEST)) / Math.log(HIGHEST / LOWEST);
    for (const [hertz, name] of [
      [100, "100"],
      [1000, "1k"],
      [10_000, "10k"],
    ]) {
      this.line(
        [
          [at(hertz), 0],
          [at(hertz), height],
        ],
        "grid",
        1,
      );
      const last = at(hertz) > width - 30; // on the other side of its line there is room
      this.word(name, at(hertz) + (last ? -4 : 4), height - 5, last ? "right" : "left");
    }
    for (const [node, colour, thick] of playing ? this.nodes : []) {
      node.getFloatFrequencyData(this.bins);
      this.line(this.curve(width, height, node.context.sampleRate), colour, thick);
    }
  }

  // The highest bin of those that fall into each pixel.
  curve(width, height, sampleRate) {
    const binOf = (x) =>
      ((2 * this.bins.length) / sampleRate) * LOWEST * (HIGHEST / LOWEST) ** (x / width);
    return Array.from({ length: Math.ceil(width) }, (_, x) => {
      const [from, to] = [binOf(x), binOf(x + 1)];
      let level = -Infinity;
      if (to - from < 1) {
        const bin = Math.floor(from); // between two bins
        level = this.bins[bin] + (this.bins[bin + 1] - this.bins[bin]) * (from - bin);
      }
      for (let bin = Math.ceil(from); bin < to; ++bin) level = Math.max(level, this.bins[bin]);
      const part = (Math.max(FLOOR, Math.min(CEILING, level)) - FLOOR) / (CEILING - FLOOR);
      return [x, height * (1 - 0.97 * (part || 0)) - 1];
    });
  }
}

// One loop, and how far into it the playing reaches now.
export class Transfer extends Picture {
  constructor(canvas) {
    super(canvas);
    this.loop = [];
    this.reach = 0;
  }

  // now: the largest sample that goes in.
  draw(now = this.reach) {
    const [width, height] = this.clear();
    this.reach = Math.max(now, 0.9 * this.reach);
    const size = Math.min(width, height) / 2 - 6;
    const highest = this.loop.reduce((most, [, y]) => Math.max(most, Math.abs(y)), 0.02);
    const place = ([x, y]) => [
      width / 2 + (x / PEAK) * size * (width / height > 1.3 ? 1.3 : 1),
      height / 2 - (y / highest) * size,
    ];
    const [left] = place([-Math.min(PEAK, this.reach), 0]);
    this.pen.fillStyle = this.colour("reach");
    this.pen.fillRect(left, 0, width - 2 * left, height);
    this.line(
      [
        [0, height / 2],
        [width, height / 2],
      ],
      "grid",
      1,
    );
    this.line(
      [
        [width / 2, 0],
        [width / 2, height],
      ],
      "grid",
      1,
    );
    this.line([...this.loop, ...this.loop.slice(0, 1)].map(place), "accent", 1.8);
    this.word("in", width - 6, height / 2 - 5, "right");
    this.word("out", width / 2 + 6, 12);
  }
}

// A level in dBFS: the bar is the mean, the line the peak, which falls slowly.
export class Meter {
  constructor(root, node) {
    this.node = node;
    this.audio = new Float32Array(2048);
    this.bar = root.querySelector(".bar");
    this.tip = root.querySelector(".tip");
    this.text = root.querySelector(".decibels");
    this.root = root;
    this.peak = FLOOR;
    this.held = 0;
  }

  // Of what passes the node.
  draw(playing) {
    if (playing) this.node.getFloatTimeDomainData(this.audio);
    else this.audio.fill(0);
    const energy = this.audio.reduce((sum, sample) => sum + sample * sample, 0);
    if (!playing) this.peak = FLOOR;
    this.show(peakOf(this.audio), Math.sqrt(energy / this.audio.length));
  }

  // Amplitudes; 1 is 0 dBFS.
  show(peak, mean) {
    const level = decibels(peak);
    const now = performance.now();
    if (level >= this.peak) [this.peak, this.held] = [level, now];
    else if (now - this.held > 700) this.peak = Math.max(FLOOR, this.peak - 0.6);
    this.bar.style.clipPath = `inset(0 ${100 * (1 - partOf(decibels(mean)))}% 0 0 round 4px)`;
    this.tip.style.left = `${100 * partOf(this.peak)}%`;
    this.root.classList.toggle("hot", this.peak > -0.1);
    this.text.textContent = this.peak > -90 ? this.peak.toFixed(1).replace("-", "−") : "–∞";
  }
}

export const peakOf = (audio) =>
  audio.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const decibels = (amplitude) => (amplitude > 0 ? 20 * Math.log10(amplitude) : FLOOR);
const partOf = (level) => Math.min(1, Math.max(0, (level + 60) / 60));
