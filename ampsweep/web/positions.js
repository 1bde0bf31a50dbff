// Panel positions: as text, and as the part of the page's address that a person can share.

// "7.5", "−3.0 dB", "on": where a knob stands, as its panel says it.
export function positionText(knob, value) {
  if (knob.detents.length) return knob.detents[Math.round(value)];
  const number = value
    .toFixed(decimalsOf(knob))
    .replace(/^-(?=0\.?0*$)/, "")
    .replace("-", "−");
  return knob.unit ? `${number} ${knob.unit}` : number;
}

// A hundredth of the range can be told from the next.
export function decimalsOf({ minimum, maximum }) {
  return Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(maximum - minimum) + 1e-9)));
}

export function clamped({ minimum, maximum, detents }, value) {
  const inside = Math.min(maximum, Math.max(minimum, value));
  return detents.length ? Math.round(inside) : inside;
}

// What follows # in the address, which no browser sends anywhere: Gain=7&Bright=on.
export function toFragment(knobs, positions) {
  const pairs = knobs.map((knob, index) => {
    const value = knob.detents.length
      ? knob.detents[Math.round(positions[index])]
      : String(Number(positions[index].toPrecision(6)));
    return `${encodeURIComponent(knob.name)}=${encodeURIComponent(value)}`;
  });
  return `#${pairs.join("&")}`;
}

// Positions of all knobs; what the address does not name, or names wrongly, stands as `before`.
export function fromFragment(knobs, fragment, before) {
  const named = new Map(
    fragment
      .replace(/^#/, "")
      .split("&")
      .map((pair) => pair.split("=").map(decoded))
      .map(([name, value]) => [name.toLowerCase(), value ?? ""]),
  );
  return knobs.map((knob, index) => {
    const value = named.get(knob.name.toLowerCase());
    if (!value) return before[index];
    const detent = knob.detents.indexOf(value);
    const number = detent < 0 ? Number(value) : detent;
    return Number.isFinite(number) ? clamped(knob, number) : before[index];
  });
}

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "";
  }
}
