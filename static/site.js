// What a page does beyond HTML. Everything works without it.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);

  // The summary of errors is where reading goes on after a form came back.
  $("errors")?.focus();

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // A screen reader hears that there are other questions now.
  const say = (place) => {
    place.textContent = place.dataset.words;
    setTimeout(() => { place.textContent = ""; }, 3000);
  };

  // htmx replaces the questions after a choice. What was typed between asking and answer is put back.
  let typed = [];
  const controls = () => [...($("questions")?.querySelectorAll("input[type=text],input[type=tel],input[type=email],textarea") ?? [])];
  const names = () => [...$("questions").querySelectorAll("[name]")].map((control) => control.name).join();
  let before = "";

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== "questions") return;
    const sent = detail.requestConfig.formData;
    before = names();
    typed = controls().filter((control) => control.value !== sent.get(control.name)).map(({ id, value }) => ({ id, value }));
  });

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "questions") return;
    for (const { id, value } of typed) if ($(id)) $(id).value = value;
    if (names() !== before) say($("announce"));
  });
})();
