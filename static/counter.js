// The clerk's keyboard: the first box has the focus, Enter goes on. Everything works without it.
(() => {
  "use strict";
  if (document.getElementById("errors")) return; // reading goes on there
  const open = (control) => !control.closest("details:not([open])") && !control.disabled;
  const controls = [...document.querySelectorAll("[data-first] :is(input:not([type=hidden]), select, textarea)")].filter(open);
  const wrong = controls.find((control) => control.matches("[aria-invalid=true]"));
  if (!location.hash) (wrong ?? controls[0])?.focus();

  // Enter on a choice goes on as it does in a box of text.
  document.addEventListener("keydown", (event) => {
    const on = event.target;
    if (event.key !== "Enter" || event.isComposing || !on.matches("form select, form [type=radio], form [type=checkbox]")) return;
    const first = on.form.querySelector("button[type=submit]");
    if (!first) return;
    event.preventDefault();
    first.click();
  });
})();
