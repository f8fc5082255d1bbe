"use strict";
// Makes forms nicer; without it the server says the same. A form with `data-needs-reason` needs its reason as soon as one
// of its writes is not ticked. A button with `data-copy` copies that text, and is only shown where a browser can.
(() => {
  for (const form of document.querySelectorAll("form[data-needs-reason]")) {
    const boxes = [...form.elements].filter((item) => item.type === "checkbox" && item.name.startsWith("item."));
    const look = () => { form.elements.reason.required = boxes.some((box) => !box.checked); };
    for (const box of boxes) box.addEventListener("change", look);
    look();
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
