// Files that are dropped on the page.
import { find } from "./elements.js";

// dropped(file, whether it fell on the cabinet)
export function whenDropped(dropped) {
  const show = (shown) => find("dropping").classList.toggle("shown", shown);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would leave the page for the file
    show(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) show(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    const [file] = event.dataTransfer.files;
    if (file) dropped(file, Boolean(event.target.closest?.("#cabinet")));
  });
}
