// Elements of a page by their names, attributes and children.

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const find = (id) => document.getElementById(id);

const READ = 8000; // milliseconds
let reading;

// A sentence for the person: what happened, or what went wrong, which stays until it is touched.
export function say(sentence, wrong = false) {
  const [line, other] = wrong ? [find("wrong"), find("said")] : [find("said"), find("wrong")];
  other.textContent = "";
  line.textContent = sentence;
  line.onclick = () => (line.textContent = "");
  clearTimeout(reading);
  if (!wrong) reading = setTimeout(line.onclick, READ);
}
