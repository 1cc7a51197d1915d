"use strict";
// A click on a heading sorts its table; a click on a trial marks it everywhere.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement, table = heading.closest("table");
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => row.children[heading.cellIndex].dataset.v;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "");
      const numbers = !isNaN(x) && !isNaN(y);
      return (numbers ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
    });
    table.tBodies[0].append(...rows);
  });
}
document.addEventListener("click", (event) => {
  const clicked = event.target.closest("[data-trial]");
  if (!clicked) return;
  const on = !clicked.classList.contains("on");
  for (const each of document.querySelectorAll(`[data-trial="${clicked.dataset.trial}"]`))
    each.classList.toggle("on", on);
});
