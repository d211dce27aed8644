"use strict";
// Evidence, at once and on touch screens too; without this script the browser's own tooltips show the same text.
const tip = document.getElementById("tip");
const texts = new Map();
for (const element of document.querySelectorAll("[title]")) {
  texts.set(element, element.title);
  element.setAttribute("aria-description", element.title);
  element.removeAttribute("title");
}
for (const title of document.querySelectorAll("svg .tip > title")) {
  texts.set(title.parentNode, title.textContent);
}
function show(element) {
  tip.textContent = texts.get(element);
  tip.hidden = false;
  const box = element.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8));
  const below = box.bottom + 6;
  const fits = below + tip.offsetHeight < innerHeight || box.top < tip.offsetHeight + 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${fits ? below : box.top - tip.offsetHeight - 6}px`;
}
function hide() {
  tip.hidden = true;
}
for (const element of texts.keys()) {
  element.addEventListener("pointerenter", () => show(element));
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focus", () => show(element));
  element.addEventListener("blur", hide);
}
addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("scroll", hide, true);

// A click on a column's title sorts by it: numbers by size, words by name, what is missing last.
function key(row, place) {
  const text = row.cells[place].textContent.trim().replace("\u2212", "-").replace(/^[<+]/, "").replace(/,(?=\d{3})/g, "");
  const value = parseFloat(text);
  return Number.isNaN(value) ? text : value;
}
for (const heading of document.querySelectorAll("th")) {
  heading.querySelector("button").addEventListener("click", () => {
    const place = heading.cellIndex;
    const isDown = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const body = heading.closest("table").tBodies[0];
    const isNumber = heading.classList.contains("number");
    const rows = [...body.rows].sort((one, two) => {
      const [a, b] = [key(one, place), key(two, place)];
      const words = [a, b].map((value) => typeof value === "string");
      if (isNumber && words[0] !== words[1]) return words[0] - words[1];
      const order = words[0] || words[1] ? String(a).localeCompare(String(b), "en", { numeric: true }) : a - b;
      return isDown ? -order : order;
    });
    body.append(...rows);
  });
}
