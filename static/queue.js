// Keeps parts of a page fresh: <div data-live="/address" data-every="2000" data-seen="mark">. The server answers 204
// while the part of this mark is still the newest. Without script the page is fetched anew now and then, or by hand.
(() => {
  "use strict";
  const MOST = 15000;
  const $ = (id) => document.getElementById(id);

  // What somebody is just doing in the old part goes on in the new one.
  const state = (place) => ({
    focus: place.contains(document.activeElement) ? document.activeElement.id : "",
    open: [...place.querySelectorAll("details[id][open]")].map((each) => each.id),
    chosen: [...place.querySelectorAll("select[id]")].map((each) => [each.id, each.value]),
  });
  const restore = ({ focus, open, chosen }) => {
    for (const id of open) $(id)?.setAttribute("open", "");
    for (const [id, value] of chosen) {
      const select = $(id);
      if ([...(select?.options ?? [])].some((option) => option.value === value)) select.value = value;
    }
    if (focus) $(focus)?.focus({ preventScroll: true });
  };

  const words = (place) => place.querySelector("[data-say]")?.textContent.replace(/\s+/g, " ").trim() ?? "";

  const show = (place, html) => {
    const part = new DOMParser().parseFromString(html, "text/html").querySelector("[data-mark]");
    if (!part) return;
    const before = state(place), said = words(place);
    place.replaceChildren(document.adoptNode(part));
    place.dataset.seen = part.dataset.mark;
    restore(before);
    if (words(place) !== said && $("said")) $("said").textContent = words(place);
    place.dispatchEvent(new CustomEvent("live", { bubbles: true }));
  };

  const follow = (place) => {
    const every = Number(place.dataset.every);
    let timer = 0, failures = 0, asking = false;
    const trouble = (is) => {
      const before = failures;
      failures = is ? failures + 1 : 0;
      const told = $("trouble");
      if (told && before < 2 !== failures < 2) told.hidden = failures < 2;
    };
    const ask = async () => {
      const seen = encodeURIComponent(place.dataset.seen);
      const answer = await fetch(`${place.dataset.live}?seen=${seen}`, {
        headers: { "x-live": "1" }, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(MOST),
      });
      // Signed out, ended, or gone: the page itself says what to do.
      if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) return location.reload();
      if (answer.status === 200) show(place, await answer.text());
      trouble(answer.status >= 400);
    };
    const look = async () => {
      if (asking) return;
      clearTimeout(timer);
      asking = true;
      // An open list of choices would close under somebody's finger.
      if (!place.querySelector("select:focus")) await ask().catch(() => trouble(true));
      asking = false;
      timer = setTimeout(look, Math.min(MOST, every * (1 + failures)));
    };
    timer = setTimeout(look, every);
    addEventListener("online", look);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  };

  document.querySelectorAll("[data-live]").forEach(follow);
})();
