// A kiosk's screens: nobody's history, and nothing left when somebody walks away. Without script all of it works too.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const HOME = "/kiosk";

  // Browsers keep whole pages for Back, even no-store ones: one that comes from there is asked for anew.
  addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.replace(HOME); });
  if (location.pathname === HOME) { sessionStorage.clear(); localStorage.clear(); }

  $("errors")?.focus();
  // A hand reader types over what led to nothing.
  $("f-code")?.addEventListener("focus", ({ target }) => target.select());
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // Every screen takes the place of the one before, so there is nothing to go back to.
  let leaving = false;
  const replace = (url) => { leaving = true; location.replace(url); };
  const trouble = () => { $("trouble").hidden = false; $("trouble").scrollIntoView({ block: "center" }); };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    event.preventDefault();
    const to = link.getAttribute("href");
    if (to.startsWith("#")) $(to.slice(1))?.focus();
    else if (to === HOME || to.startsWith(`${HOME}/`)) replace(to);
  });

  let sending = false;
  const post = async (url, body) => {
    const answer = await fetch(url, { method: "POST", body, headers: { "kiosk-go": "1" }, cache: "no-store" });
    return answer.headers.get("kiosk-go");
  };
  document.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending || leaving) return;
    sending = true;
    $("trouble").hidden = true;
    try {
      const form = event.target;
      const to = await post(form.getAttribute("action"), new URLSearchParams(new FormData(form, event.submitter)));
      if (to) replace(to);
      else trouble();
    } catch {
      trouble();
    }
    sending = false;
  });

  // The clerk who was called has come: another one can be called.
  document.addEventListener("live", ({ target }) => {
    const button = $("uncall");
    if (target.id !== "called" || target.dataset.seen !== "over" || !button) return;
    button.value = "call";
    button.textContent = button.dataset.over;
    button.classList.replace("button--secondary", "button--call");
  });

  // Whoever does nothing for a while is asked, and can go on as often as they like; without an answer all is wiped.
  const patience = Number(document.body.dataset.idle);
  if (!patience) return;
  const countdown = Number(document.body.dataset.countdown);
  const box = $("idle");
  let seen = Date.now();
  let told = seen;

  const alive = async () => {
    told = Date.now();
    try {
      const to = await post(`${HOME}/alive`);
      if (to) replace(to);
    } catch { /* the next screen will say so */ }
  };
  const here = () => {
    if (box.open) return;
    seen = Date.now();
    if (seen - told > 60000) alive();
  };
  const more = () => {
    box.close();
    $("idle-said").textContent = "";
    seen = Date.now();
    alive();
  };
  const over = async () => {
    if (leaving) return;
    leaving = true;
    try {
      await post(`${HOME}/do`, new URLSearchParams({ _do: "over" }));
    } catch { /* the first screen wipes, too */ }
    location.replace(HOME);
  };

  for (const name of ["pointerdown", "keydown", "input", "scroll", "wheel"]) addEventListener(name, here, { passive: true });
  $("idle-more").addEventListener("click", more);
  $("idle-over").addEventListener("click", over);
  box.addEventListener("cancel", (event) => { event.preventDefault(); more(); });

  setInterval(() => {
    const left = Math.ceil(patience + countdown - (Date.now() - seen) / 1000);
    if (left <= 0) { over(); return; }
    if (left > countdown) return;
    if (!box.open) { box.showModal(); $("idle-more").focus(); }
    $("idle-left").textContent = left;
    if (left === countdown || left === 10 || left === 5) $("idle-said").textContent = $("idle-said").dataset.words.replace("#", left);
  }, 500);
})();
