// The explorer: sends what is in the two boxes and shows what comes back.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(`explorer${id}`);
  const state = $("-state");
  const answer = $("-answer");

  for (const button of document.querySelectorAll("[data-query]")) {
    button.addEventListener("click", () => {
      $("-query").value = button.dataset.query;
      $("-variables").value = button.dataset.variables;
      $("-query").focus();
    });
  }

  const variables = () => {
    const text = $("-variables").value.trim();
    return text ? JSON.parse(text) : {};
  };

  const shown = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  $("").addEventListener("submit", async (event) => {
    event.preventDefault();
    let body;
    try {
      body = JSON.stringify({ query: $("-query").value, variables: variables() });
    } catch {
      state.textContent = state.dataset.unreadable;
      return;
    }
    state.textContent = state.dataset.sending;
    try {
      const begun = performance.now();
      const credentials = $("").dataset.credentials;
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("/graphql", { method: "POST", credentials, headers, body });
      answer.textContent = shown(await response.text());
      state.textContent = `${response.status} (${Math.round(performance.now() - begun)} ms)`;
    } catch {
      state.textContent = state.dataset.failed;
    }
  });
})();
