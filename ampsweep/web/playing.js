// A dry electric guitar, made here: plucked strings after Karplus and Strong (Digital Synthesis of
// Plucked-String and Drum Timbres, 1983), tuned and struck as Jaffe and Smith (Extensions of the
// Karplus-Strong Plucked-String Algorithm, 1983) do it, through what a pickup makes of them.

const PEAK = 0.5; // dBFS −6, as hot pickups reach in a good capture

// A note: beat at which it starts, MIDI number, beats that it lasts, how hard it is struck, 0 to 1.
const PHRASES = {
  Arpeggio: { tempo: 92, beats: 16, notes: arpeggio },
  "Power chords": { tempo: 126, beats: 16, notes: power },
  Lead: { tempo: 104, beats: 16, notes: lead },
  Funk: { tempo: 108, beats: 16, notes: funk },
};

export const PHRASE_NAMES = Object.keys(PHRASES);

// A phrase that can be looped: what rings over its end rings over its beginning.
export function playing(name, sampleRate) {
  const { tempo, beats, notes } = PHRASES[name];
  const beat = (60 / tempo) * sampleRate;
  const audio = new Float32Array(Math.round(beats * beat));
  const random = noise(7);
  for (const [start, midi, lasts, force] of notes()) {
    const sound = pluck(midi, lasts * beat, force, sampleRate, random);
    const first = Math.round(start * beat);
    for (let i = 0; i < sound.length; ++i) audio[(first + i) % audio.length] += sound[i];
  }
  return atPeak(pickup(audio, sampleRate), PEAK);
}

// One string: a burst of noise goes round a delay line, losing its highs as it goes; where it was
// plucked leaves out harmonics, and a damped end is a hand's.
function pluck(midi, lasts, force, sampleRate, random) {
  const period = sampleRate / (440 * 2 ** ((midi - 69) / 12));
  const bright = 0.3 + 0.55 * force;
  const size = Math.floor(period - 0.5);
  const part = period - 0.5 - size; // of a sample, by an all-pass; the low-pass has half of one
  const allpass = (1 - part) / (1 + part);
  const burst = new Float32Array(size);
  let low = 0;
  for (let i = 0; i < size; ++i) {
    low += bright * (random() - low);
    burst[i] = low;
  }
  const where = Math.max(1, Math.round(size * 0.17));
  const line = burst.map((sample, i) => sample - burst[(i + size - where) % size]);
  const decay = 2.2 + 330 / (midi - 20); // seconds to −60 dB
  const loss = 10 ** ((-3 * period) / (decay * sampleRate));
  const release = Math.round(0.03 * sampleRate);
  const length = Math.round(lasts) + release;
  const sound = new Float32Array(length);
  let [before, in_, out] = [0, 0, 0];
  for (let i = 0, at = 0; i < length; ++i, at = at + 1 === size ? 0 : at + 1) {
    const now = line[at];
    const damped = loss * 0.5 * (now + before);
    before = now;
    out = allpass * (damped - out) + in_;
    in_ = damped;
    line[at] = out;
    const fade = i > length - release ? (length - i) / release : Math.min(1, i / 40);
    sound[i] = force * fade * now;
  }
  return sound;
}

// A humbucker's resonance into a cable, at 3.2 kHz, and nothing below the lowest string.
function pickup(audio, sampleRate) {
  const w = (2 * Math.PI * 3200) / sampleRate;
  const alpha = Math.sin(w) / (2 * 1.6);
  const [b, a1, a2] = [(1 - Math.cos(w)) / 2, -2 * Math.cos(w), 1 - alpha].map(
    (x) => x / (1 + alpha),
  );
  const high = 1 - (2 * Math.PI * 50) / sampleRate;
  let [x1, x2, y1, y2, before, out] = [0, 0, 0, 0, 0, 0];
  const result = new Float32Array(audio.length);
  for (let round = 0; round < 2; ++round) {
    for (let i = 0; i < audio.length; ++i) {
      const x = audio[i];
      const y = b * (x + 2 * x1 + x2) - a1 * y1 - a2 * y2;
      [x2, x1, y2, y1] = [x1, x, y1, y];
      out = high * (out + y - before);
      before = y;
      result[i] = out; // the second round begins where the first ended, as a loop does
    }
  }
  return result;
}

function atPeak(audio, peak) {
  const highest = audio.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return highest ? audio.map((sample) => (sample * peak) / highest) : audio;
}

// −1 to 1, the same every time.
function noise(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function strum(start, chord, lasts, force, spread = 0.03, up = false) {
  const strings = up ? [...chord].reverse() : chord;
  return strings.map((midi, i) => [
    start + i * spread,
    midi,
    lasts - i * spread,
    force * (1 - 0.04 * i),
  ]);
}

function arpeggio() {
  const chords = [
    [45, 52, 57, 60, 64],
    [41, 53, 57, 60, 65],
    [48, 55, 60, 64, 67],
    [43, 55, 59, 62, 67],
  ];
  const order = [0, 2, 3, 4, 3, 2, 4, 3];
  return chords.flatMap((chord, bar) =>
    order.map((string, i) => [
      4 * bar + i / 2,
      chord[string],
      i ? 2.2 : 4,
      i ? 0.5 + 0.05 * (i % 3) : 0.8,
    ]),
  );
}

function power() {
  const roots = [40, 40, 43, 45];
  return roots.flatMap((root, bar) => {
    const chord = [root, root + 7, root + 12];
    const mutes = [1.5, 2, 2.5].flatMap((beat) =>
      strum(4 * bar + beat, chord.slice(0, 2), 0.16, 0.7, 0.01),
    );
    return [
      ...strum(4 * bar, chord, 1.4, 1, 0.015),
      ...mutes,
      ...strum(4 * bar + 3, chord, 0.95, 0.9, 0.015),
    ];
  });
}

function lead() {
  const line = [
    [0, 69, 1],
    [1, 72, 0.5],
    [1.5, 74, 0.5],
    [2, 76, 1.8],
    [4, 74, 0.5],
    [4.5, 72, 0.5],
    [5, 69, 0.5],
    [5.5, 67, 0.5],
    [6, 69, 1.9],
    [8, 76, 0.5],
    [8.5, 79, 0.5],
    [9, 81, 1.4],
    [10.5, 79, 0.5],
    [11, 76, 0.9],
    [12, 74, 0.5],
    [12.5, 76, 0.25],
    [12.75, 74, 0.25],
    [13, 72, 0.9],
    [14, 69, 2],
  ];
  return line.map(([start, midi, lasts], i) => [start, midi, lasts, 0.75 + 0.2 * (i % 2)]);
}

function funk() {
  const chord = [52, 59, 62, 67, 69];
  const hits = [
    [0, 0.35],
    [0.75, 0.15],
    [1.5, 0.3],
    [2.25, 0.12],
    [2.5, 0.12],
    [3, 0.5],
    [3.75, 0.12],
  ];
  return [0, 4, 8, 12].flatMap((bar, index) =>
    hits.flatMap(([beat, lasts], i) =>
      strum(
        bar + beat,
        chord.map((midi) => midi + (index === 3 ? 5 : 0)),
        lasts,
        lasts > 0.2 ? 0.95 : 0.45,
        0.012,
        i % 2 === 1,
      ),
    ),
  );
}
