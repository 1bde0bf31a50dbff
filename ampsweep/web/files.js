// The files of this page: beside it, or, where all is one file, inside it.

export async function bytesOf(name) {
  const inside = document.getElementById(`file:${name}`);
  if (inside) {
    return Uint8Array.from(atob(inside.textContent.trim()), (letter) => letter.charCodeAt(0));
  }
  const answer = await fetch(name);
  if (!answer.ok) {
    throw new Error(
      `${name} is missing beside this page (${answer.status}); export the page again.`,
    );
  }
  return new Uint8Array(await answer.arrayBuffer());
}

export async function jsonOf(name) {
  return JSON.parse(new TextDecoder().decode(await bytesOf(name)));
}

// Where the audio thread loads a script from. A blob: URL would do, but not on a page from a disk.
export function scriptUrl(name) {
  const inside = document.getElementById(`file:${name}`);
  return inside ? `data:text/javascript;base64,${inside.textContent.trim()}` : name;
}

// Gives a person a file.
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
