"use strict";
// Makes forms nicer; without it the server says the same. A button with `data-tick` ticks, or unticks, all the writes of
// a form; one with `data-needs-tick` is off until something is ticked. Ticking a system chooses "only these", choosing "all systems" unticks them. A button with `data-copy` copies
// that text, and is only shown where a browser can. A form with `data-busy`, once it is sent, says so by the element of
// that id, and cannot be sent again. A form with `data-left` says what is left of that amount while
// amounts are typed, as long as all are in one currency.
(() => {
  for (const button of document.querySelectorAll("button[data-tick]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const box of document.getElementById(button.dataset.form).elements) {
        if (box.type === "checkbox" && box.name.startsWith("item.")) box.checked = button.dataset.tick === "all";
      }
      need();
    });
  }
  // Looked up anew each time: a page that is busy is replaced in part.
  const need = () => {
    for (const button of document.querySelectorAll("button[data-needs-tick]")) {
      const boxes = [...button.form.elements].filter((box) => box.name.startsWith("item."));
      button.disabled = !boxes.some((box) => box.checked);
    }
  };
  for (const name of ["change", "pageshow", "htmx:afterSettle"]) addEventListener(name, need);
  need();
  for (const all of document.querySelectorAll("input[name=scope][value=all]")) {
    const some = all.form.querySelector("input[name=scope][value=some]");
    const boxes = [...all.form.elements].filter((item) => item.type === "checkbox" && item.name.startsWith("system."));
    for (const box of boxes) box.addEventListener("change", () => { if (box.checked) some.checked = true; });
    all.addEventListener("change", () => { for (const box of boxes) box.checked = false; });
  }
  for (const form of document.querySelectorAll("form[data-busy]")) {
    form.addEventListener("submit", () => {
      document.getElementById(form.dataset.busy).hidden = false;
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  }
  for (const form of document.querySelectorAll("form[data-left]")) {
    const told = form.querySelector("p[role=status]");
    const places = (form.dataset.left.split(".")[1] || "").length, unit = 10 ** places;
    const amounts = [...form.elements].filter((item) => /^(item|amount)-/.test(item.name));
    const one = new Set(amounts.map((item) => item.dataset.currency).filter(Boolean)).size < 2;
    form.addEventListener("input", () => {
      const sums = amounts.map((item) => Number(item.value.replace(/[,\s]/g, "") || 0));
      if (!one || sums.some(Number.isNaN)) return;
      const left = sums.reduce((rest, sum) => rest - Math.round(sum * unit), Math.round(form.dataset.left * unit));
      const shown = (left / unit).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
      told.textContent = form.dataset.said.replace("…", shown);
      told.classList.toggle("late", left * form.dataset.left < 0);
    });
  }
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied;
    });
  }
})();
