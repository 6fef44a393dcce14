// Reading a code with the camera of a window. Without it the code is typed, or read by a scanner that types.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const panel = $("scan");
  const form = $("scan-form");
  if (!panel || !form || typeof QrScanner === "undefined" || !navigator.mediaDevices) return;

  // The library would make its worker of a blob, which the policy of this site does not run.
  QrScanner.createQrEngine = async () => new Worker(panel.dataset.worker);
  const [start, stop, told] = [$("scan-start"), $("scan-stop"), $("scan-told")];
  const video = panel.querySelector("video");
  let scanner = null;

  const end = (words) => {
    scanner?.destroy();
    scanner = null;
    panel.hidden = true;
    start.hidden = false;
    told.textContent = words;
  };
  const found = ({ data }) => {
    end(panel.dataset.found);
    form.elements.code.value = data.slice(0, 500);
    form.requestSubmit();
  };
  start.addEventListener("click", async () => {
    panel.hidden = false;
    start.hidden = true;
    told.textContent = panel.dataset.looking;
    scanner = new QrScanner(video, found, { returnDetailedScanResult: true, maxScansPerSecond: 5 });
    try {
      await scanner.start();
      stop.focus();
    } catch {
      const { state } = await navigator.permissions.query({ name: "camera" }).catch(() => ({}));
      end(state === "denied" ? panel.dataset.denied : panel.dataset.none);
      form.elements.code.focus();
    }
  });
  stop.addEventListener("click", () => { end(""); form.elements.code.focus(); });
  addEventListener("pagehide", () => end(""));
  start.hidden = false;
})();
