"use strict";
// The table of samples: a tick for each field shows or hides its two columns, one shows those of all fields, another
// leaves only records with mistakes; what is not shown is counted. Without it the columns are those that the server
// opened, or all.
(() => {
  for (const choices of document.querySelectorAll("fieldset[data-columns]")) {
    const part = choices.parentElement, table = part.querySelector("table.samples");
    const rest = part.querySelector("[data-rest]"), every = rest.querySelector("[data-every]");
    const said = rest.querySelector("[data-said]");
    const boxes = [...choices.querySelectorAll("input:not([data-wrong])")];
    const show = () => {
      const open = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      for (const cell of table.querySelectorAll("[data-of]")) cell.hidden = !open.has(cell.dataset.of);
      every.checked = open.size === boxes.length;
      said.hidden = every.checked;
      said.textContent = said.dataset.said.replace("…", boxes.length - open.size);
      if (!every.checked) rest.hidden = false;
    };
    every.addEventListener("change", () => {
      for (const box of boxes) box.checked = every.checked || box.defaultChecked;
      show();
    });
    choices.hidden = false;
    choices.addEventListener("change", ({ target }) => {
      if (!("wrong" in target.dataset)) return show();
      for (const row of table.tBodies[0].rows) row.hidden = target.checked && !("isWrong" in row.dataset);
    });
    show();
  }
})();
