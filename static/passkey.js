// Passkeys: made and shown with the browser's own dialogs. Without this script one signs in with password and code.
(() => {
  "use strict";
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && PublicKeyCredential.parseCreationOptionsFromJSON;
  if (!able) return;
  for (const without of document.querySelectorAll("[data-passkey-without]")) without.hidden = true;

  // What the server wants signed: it stands in the page where a passkey is made, and is fetched where one is shown, for
  // it is good for five minutes only.
  const asked = async (place) => {
    if (place.dataset.passkey === "register") {
      const options = JSON.parse(place.dataset.options);
      return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
    }
    const body = new URLSearchParams({ for: place.dataset.passkey });
    const answer = await fetch("/staff/passkeys/challenge", { method: "POST", body, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(await answer.json()) });
  };

  for (const place of document.querySelectorAll("[data-passkey]")) {
    const button = place.querySelector("button");
    const told = place.querySelector("[role=status]");
    place.hidden = false;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      told.textContent = "";
      button.disabled = true;
      try {
        const made = await asked(place);
        place.querySelector("[name=passkey]").value = JSON.stringify(made.toJSON());
        button.form.submit();
      } catch {
        told.textContent = told.dataset.failed;
      } finally {
        button.disabled = false;
      }
    });
  }
})();
