"use strict";
// The table of samples: a tick for each field shows or hides its two columns, another leaves only records with mistakes.
// Without it the columns are those that the server opened.
(() => {
  for (const choices of document.querySelectorAll("fieldset[data-columns]")) {
    const table = choices.parentElement.querySelector("table.samples");
    choices.hidden = false;
    choices.addEventListener("change", ({ target }) => {
      if ("wrong" in target.dataset) {
        for (const row of table.tBodies[0].rows) row.hidden = target.checked && !("isWrong" in row.dataset);
        return;
      }
      for (const cell of table.querySelectorAll("[data-of]")) {
        if (cell.dataset.of === target.value) cell.hidden = !target.checked;
      }
    });
  }
})();
