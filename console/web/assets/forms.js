"use strict";
// Makes forms nicer; without it the server says the same. A button with `data-tick` ticks, or unticks, all the writes of
// a form. Ticking a system chooses "only these", choosing "all systems" unticks them. A button with `data-copy` copies
// that text, and is only shown where a browser can. A form with `data-busy`, once it is sent, says so by the element of
// that id, and cannot be sent again.
(() => {
  for (const button of document.querySelectorAll("button[data-tick]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const box of document.getElementById(button.dataset.form).elements) {
        if (box.type === "checkbox" && box.name.startsWith("item.")) box.checked = button.dataset.tick === "all";
      }
    });
  }
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
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied;
    });
  }
})();
