// A part of a page that follows what happens elsewhere: a tablet that mirrors a visit, the clerk's view of the tablet.
// A stream says that there is something new, and the part is fetched. Without script the page is loaded again by itself.
(() => {
  "use strict";
  const live = document.getElementById("mirror-live");
  const place = document.getElementById("mirror-shown");
  const tablet = document.documentElement.classList.contains("tablet");
  const CUT = 3000; // milliseconds without a connection after which it is said
  const SILENT = 60000; // a stream says something every 20 seconds
  const WIPED = 120000; // what is not known to be true any more is not shown to whoever comes by

  // Browsers keep whole pages for Back. The next person must not see this one's that way.
  if (tablet) {
    addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted; });
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  if (live && place) follow();
  draw();

  function follow() {
    const told = live.querySelector("[role=status]");
    const log = live.querySelector("[role=log]");
    const url = (base, more) => {
      const made = new URL(base, location.origin);
      for (const [name, value] of Object.entries(more)) if (value) made.searchParams.set(name, value);
      return made;
    };
    let have = live.dataset.have;
    let wanted = "";
    let heard = Date.now();
    let stream = null;
    let over = false;
    let fetching = null;
    let sending = false;
    let late = "";
    const tell = (words) => { if (told.textContent !== words) told.textContent = words ?? ""; };

    const leave = () => {
      over = true;
      stream?.close();
      if (!live.dataset.home) return tell(live.dataset.over);
      place.replaceChildren();
      location.replace(live.dataset.home);
    };

    const refresh = async (more = {}) => {
      if (fetching) { wanted ||= "again"; return; }
      wanted = "";
      fetching = new AbortController();
      const limit = setTimeout(() => fetching?.abort(), 10000);
      try {
        const answer = await fetch(url(live.dataset.part, more), {
          cache: "no-store", headers: { "hx-request": "true" }, signal: fetching.signal, redirect: "error",
        });
        if (answer.status === 403 || answer.status === 404 || answer.status === 410) return leave();
        if (answer.status === 200) put(await answer.text());
        if (answer.ok) { heard = Date.now(); tell(""); }
      } catch {
        // the connection is cut: the stream comes back by itself, and says what was missed
      } finally {
        clearTimeout(limit);
        fetching = null;
        if (wanted && !over) refresh({ at: asked() });
      }
    };

    // The answer whose details are being told: they stay open while the rest changes.
    const asked = () => place.querySelector(".tablet__more")?.closest("[data-key]")?.dataset.key ?? "";

    const put = (html) => {
      const made = document.createElement("template");
      made.innerHTML = html;
      const before = new Map([...place.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row.dataset.stamp]));
      const typed = [...place.querySelectorAll(".tablet__more input")].map((old) => [old.id, old.value, old.checked]);
      const unfolded = [...place.querySelectorAll("details[open][id]")].map((each) => each.id);
      const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
      const rows = [...made.content.querySelectorAll("[data-key]")];
      const fresh = before.size || rows.length < 12 ? rows.filter((row) => before.get(row.dataset.key) !== row.dataset.stamp) : [];
      have = made.content.querySelector("[data-mark]")?.dataset.mark ?? have;
      place.dataset.mark = have;
      place.replaceChildren(made.content);
      for (const [id, value, checked] of typed) {
        const box = document.getElementById(id);
        if (box) { if (box.type === "radio") box.checked = checked; else box.value = value; }
      }
      for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      if (tablet) show(fresh);
      else beside();
    };

    const show = (fresh) => {
      for (const row of fresh) {
        row.classList.add("tablet__row--fresh");
        row.querySelector(".tablet__fresh").hidden = false;
      }
      const [first] = fresh;
      if (!first) return;
      const labels = fresh.slice(0, 5).map((row) => row.querySelector(".tablet__label").textContent);
      if (log) log.textContent = live.dataset.changed.replace("#", labels.join("、"));
      if (!place.contains(document.activeElement)) first.scrollIntoView({ block: "center" });
    };

    // On the clerk's page: what is said of an answer stands beside it, wherever on the page that is.
    const beside = () => {
      const said = new Map([...place.querySelectorAll("[data-said]")].map((each) => [each.dataset.said, each]));
      for (const mark of document.querySelectorAll("[data-remark]")) {
        const each = said.get(mark.dataset.remark);
        mark.textContent = each?.textContent ?? "";
        if (each) mark.dataset.verdict = each.dataset.verdict;
        else delete mark.dataset.verdict;
      }
    };

    const changed = (mark) => {
      heard = Date.now();
      tell("");
      if (sending) { late = mark; return; }
      if (mark === have) return;
      if ("leave" in live.dataset) return leave();
      refresh({ at: asked() });
    };

    const listen = () => {
      stream = new EventSource(url(live.dataset.stream, { have }));
      stream.addEventListener("open", () => { heard = Date.now(); tell(""); });
      stream.addEventListener("changed", ({ data }) => changed(data));
      // It is answered, so that the server knows that somebody is there.
      stream.addEventListener("beat", () => { heard = Date.now(); refresh({ have, at: asked() }); });
      stream.addEventListener("over", leave);
      stream.addEventListener("replaced", () => { over = true; stream.close(); tell(live.dataset.twice ?? live.dataset.cut); });
    };

    // A browser gives up a stream that is refused, and never tells of one that has gone silent.
    const look = () => {
      if (over) return;
      const silence = Date.now() - heard;
      if (stream.readyState === EventSource.CLOSED || silence > SILENT) {
        stream.close();
        refresh({ have, at: asked() });
        listen();
      }
      if (silence > WIPED && tablet) {
        place.replaceChildren();
        have = "";
        tell(live.dataset.gone);
      } else if (stream.readyState !== EventSource.OPEN && silence > CUT) {
        tell(live.dataset.cut);
      }
    };

    // What is said here is sent without leaving the page; without script the form does it.
    place.addEventListener("submit", async (event) => {
      const form = event.target;
      if ("leave" in live.dataset || event.submitter.name === "lang") return;
      event.preventDefault();
      const body = new URLSearchParams(new FormData(form, event.submitter));
      const said = event.submitter.id;
      sending = true;
      try {
        const answer = await fetch(form.action, { method: "POST", body, headers: { "hx-request": "true" }, redirect: "error" });
        if (answer.status === 410 || answer.status === 403) return leave();
        if (answer.status >= 500) return tell(live.dataset.cut);
        put(await answer.text());
        const row = document.getElementById(said.replace(/-(wrong|right|tell)$/, ""));
        (document.getElementById(said) ?? row?.querySelector(".tablet__more input, button"))?.focus({ preventScroll: true });
      } catch {
        tell(live.dataset.cut);
      } finally {
        sending = false;
        if (late) changed(late);
        late = "";
      }
    });

    listen();
    setInterval(look, 1000);
    addEventListener("pagehide", () => stream.close());
  }

  // A signature: lines of whole numbers in a field of 1000 by 400, drawn with a finger, a pen or a mouse.
  function draw() {
    const canvas = document.getElementById("canvas");
    const path = document.getElementById("path");
    if (!canvas || !path) return;
    document.getElementById("drawing").hidden = false;
    const pen = canvas.getContext("2d");
    pen.lineWidth = 6;
    pen.lineCap = pen.lineJoin = "round";
    let strokes = [];
    let pointer = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      const fit = (value, size) => Math.max(0, Math.min(size, Math.round(value * size)));
      return [fit((event.clientX - box.left) / box.width, 1000), fit((event.clientY - box.top) / box.height, 400)];
    };
    const write = () => {
      const drawn = strokes.filter((stroke) => stroke.length > 1);
      path.value = drawn.map((stroke) => `M${stroke.map((point) => point.join(" ")).join(" L")}`).join(" ");
    };
    const on = (event) => {
      const stroke = strokes.at(-1);
      const [x, y] = at(event);
      const [u, v] = stroke.at(-1);
      if (Math.abs(x - u) + Math.abs(y - v) < 4) return;
      stroke.push([x, y]);
      pen.beginPath();
      pen.moveTo(u, v);
      pen.lineTo(x, y);
      pen.stroke();
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button) return;
      pointer = event.pointerId;
      canvas.setPointerCapture(pointer);
      strokes.push([at(event)]);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const every = event.getCoalescedEvents?.() ?? [];
      for (const each of every.length ? every : [event]) on(each);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        write();
      });
    }
    document.getElementById("wipe").addEventListener("click", () => {
      strokes = [];
      write();
      pen.clearRect(0, 0, canvas.width, canvas.height);
    });
  }
})();
