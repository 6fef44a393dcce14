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

  // A button pressed twice sends once; pressed again after a while, or after coming back, it sends again.
  let sent = null;
  document.addEventListener("submit", (event) => {
    if (sent === event.target) return event.preventDefault();
    sent = event.target;
    setTimeout(() => { sent = null; }, 5000);
  });
  addEventListener("pageshow", () => { sent = null; });

  // Browsers keep whole pages for Back, even no-store ones. The next person at this computer must not see somebody's
  // page again that way after the session is over: it goes out of sight, and is asked for anew.
  if (document.querySelector(".masthead__out") || /^\/(drafts|applications|payments|my|office|admin|staff)\b/.test(location.pathname)) {
    addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted; });
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  // A browser may fill in what it knows; but it must not learn what is typed here, and offer it to the next person.
  const forget = (field) => { if (field.value) field.autocomplete = "off"; };
  document.addEventListener("input", ({ target }) => forget(target));
  document.addEventListener("htmx:afterSwap", ({ detail }) => detail.target.querySelectorAll("input, textarea").forEach(forget));

  // Somebody came by a link of the summary: htmx would go back to where that led, whatever is answered now.
  document.addEventListener("htmx:configRequest", ({ detail }) => { detail.path = detail.path.split("#")[0]; });

  // What htmx asked for did not come: the page stays as it is, and says so.
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(name, () => { const told = $("trouble"); if (told) told.hidden = false; });
  }
  document.addEventListener("htmx:beforeRequest", () => { const told = $("trouble"); if (told) told.hidden = true; });

  // A screen reader hears that there are other questions now.
  const say = (place) => {
    place.textContent = place.dataset.words;
    setTimeout(() => { place.textContent = ""; }, 3000);
  };

  // Before a sign-in ends for want of anything done, it is said, politely, and a button puts it off. The time left is
  // the server's, so a clock that is wrong here does no harm; a tab that is used tells the others.
  const ending = $("ending");
  if (ending) {
    const told = ending.querySelector("[role=status]");
    const more = ending.querySelector("button");
    const tabs = new BroadcastChannel(ending.dataset.channel ?? "sign-in");
    let end = 0;
    const tell = (words) => { if (told.textContent !== words) told.textContent = words; };
    const look = () => {
      const minutes = (end - Date.now()) / 60000;
      const mark = minutes <= 0 ? 0 : [1, 2, 5].find((each) => minutes <= each);
      if (mark === undefined) return;
      tell(mark ? ending.dataset.soon.replace("#", mark) : ending.dataset.over);
      if (more) more.hidden = !mark;
    };
    const left = (seconds) => {
      end = Date.now() + 1000 * seconds;
      if (more) more.hidden = true;
      tell("");
      look();
    };
    const prolong = async () => {
      try {
        const answer = await fetch(more.dataset.more, { cache: "no-store" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const seconds = Number(page.getElementById("ending")?.dataset.left ?? 0);
        left(seconds);
        if (!seconds) return;
        tabs.postMessage(seconds);
        tell(more.dataset.done);
        setTimeout(() => { if (told.textContent === more.dataset.done) tell(""); }, 5000);
      } catch {
        tell(more.dataset.failed);
      }
    };
    more?.addEventListener("click", prolong);
    tabs.addEventListener("message", ({ data }) => left(data));
    left(Number(ending.dataset.left));
    tabs.postMessage(Number(ending.dataset.left));
    setInterval(look, 5000);
  }

  // htmx replaces the questions after a choice. What was typed, picked and attached meanwhile is put back.
  const controls = () => [...document.querySelectorAll("#questions [name]:not([type=hidden]):not(button)")];
  const names = () => controls().map((control) => control.name).join();
  const pickable = (control) => control.type === "radio" || control.type === "checkbox";
  const changed = (control, sent) => pickable(control)
    ? control.checked !== sent.getAll(control.name).includes(control.value)
    : control.value !== sent.get(control.name);
  let typed = [];
  let files = [];
  let before = "";

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== "questions") return;
    before = names();
    files = controls().filter((control) => control.files?.length);
    typed = controls().filter((control) => !control.files && changed(control, detail.requestConfig.formData));
  });

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "questions") return;
    for (const old of typed) {
      const control = $(old.id);
      if (control && pickable(control)) control.checked = old.checked;
      else if (control) control.value = old.value;
    }
    for (const old of files) $(old.id)?.replaceWith(old);
    follow(detail.requestConfig.formData.getAll("_do").at(-1) ?? "");
    if (names() !== before) say($("announce"));
  });

  // The button that was pressed may be gone: the focus goes on to what it was pressed for.
  const follow = (pressed) => {
    const [verb, pointer = ""] = pressed.split(":");
    const id = (path) => "f-" + path.slice(1).replaceAll("/", "-");
    const inside = (place) => [...(place?.querySelectorAll("input:not([type=hidden]),select,textarea") ?? [])];
    if (verb === "add") {
      const rows = document.querySelectorAll(`#${CSS.escape(id(pointer))} > .row`);
      inside(rows[rows.length - 1])[0]?.focus();
    } else if (verb === "remove") {
      $(id(pointer.replace(/\/[0-9]+$/, "")) + "-add")?.focus();
    } else if (verb === "town") {
      inside($(id(pointer))).find((control) => !control.value)?.focus();
    }
  };
})();
