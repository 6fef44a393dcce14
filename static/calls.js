// Who calls a clerk, in the head of every page of the staff. A stream says that there is something new, and each page
// fetches it. Browsers open six connections to a server: one tab keeps the stream for all of them. Without script a
// page shows the calls as they were when it was loaded.
(() => {
  "use strict";
  const place = document.getElementById("calls");
  const told = document.getElementById("calls-said");
  if (!place) return;
  const SILENT = 60000; // a stream says something every 20 seconds
  const title = document.title;
  const tabs = new BroadcastChannel("staff-calls");
  const have = () => place.firstElementChild.dataset.mark;
  const calls = () => [...place.querySelectorAll("[data-call]")];
  const states = () => new Map(calls().map((call) => [call.dataset.call, call.dataset.state]));

  const mark = () => {
    const open = calls().filter((call) => call.dataset.state === "open").length;
    document.title = open ? `【呼び出し】${title}` : title;
  };

  const put = (html) => {
    const part = new DOMParser().parseFromString(html, "text/html").querySelector("[data-mark]");
    if (!part) return;
    const before = states();
    const focused = document.activeElement?.closest?.("[data-call]")?.dataset.call;
    place.replaceChildren(document.adoptNode(part));
    if (focused) calls().find((call) => call.dataset.call === focused)?.querySelector("button")?.focus();
    mark();
    // What is new, and nothing of what was said before.
    const fresh = calls().filter((call) => before.get(call.dataset.call) !== call.dataset.state);
    told.textContent = fresh.map((call) => call.querySelector("[data-say]").textContent).join(" ");
  };

  let asking = false;
  let again = false;
  const refresh = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const asked = new URLSearchParams({ seen: have(), at: location.pathname });
      const answer = await fetch(`${place.dataset.part}?${asked}`, {
        headers: { "x-live": "1" }, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(10000),
      });
      if (answer.status === 200) put(await answer.text());
    } catch { /* the next event, or the next page, has it */ }
    asking = false;
    if (again) { again = false; refresh(); }
  };
  const changed = (seen) => { if (seen !== have()) refresh(); };

  // For as long as this tab is the one; over with the sign-in.
  const listen = () => new Promise((done) => {
    let stream = null;
    let heard = 0;
    const open = () => {
      heard = Date.now();
      stream?.close();
      stream = new EventSource(`${place.dataset.part}/stream?have=${have()}`);
      stream.addEventListener("changed", ({ data }) => { heard = Date.now(); tabs.postMessage(data); changed(data); });
      stream.addEventListener("beat", () => { heard = Date.now(); });
      for (const end of ["over", "replaced"]) stream.addEventListener(end, leave);
    };
    // A browser gives up a stream that is refused, and never tells of one that has gone silent.
    const watch = setInterval(() => {
      if (stream.readyState === EventSource.CLOSED || Date.now() - heard > SILENT) open();
    }, 15000);
    const leave = () => { clearInterval(watch); stream.close(); done(); };
    open();
  });

  tabs.addEventListener("message", ({ data }) => changed(data));
  mark();
  // A page kept for Back would keep the lock from the others.
  if (navigator.locks) navigator.locks.request("staff-calls", listen).catch(() => {});
  else listen();
})();
