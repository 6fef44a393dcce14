// The board calls numbers aloud: a chime, then the words in Japanese and in the language of the ticket. A browser makes
// no sound before somebody has touched the page, so there is a button; a board that is allowed to from the start is
// opened as /board?sound=on.
(() => {
  "use strict";
  const PAUSE = 1400;
  const KEPT = 200;
  const place = document.getElementById("now");
  const button = document.getElementById("sound");
  const said = document.getElementById("said");
  const heard = new Set();
  let audio = null;

  const calls = () => [...place.querySelectorAll("[data-key]")];

  const tone = (frequency, start) => {
    const oscillator = audio.createOscillator(), volume = audio.createGain();
    const at = audio.currentTime + start;
    oscillator.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.4, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
    oscillator.connect(volume).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + 1);
  };

  const speak = (words) => {
    for (const each of words) {
      const speech = new SpeechSynthesisUtterance(each.textContent);
      speech.lang = each.lang;
      speech.rate = 0.9;
      speechSynthesis.speak(speech);
    }
  };

  const call = (entry) => {
    const words = [...entry.querySelectorAll("[data-words]")];
    said.replaceChildren(...words.map((each) => Object.assign(document.createElement("span"), { lang: each.lang, textContent: `${each.textContent} ` })));
    if (!audio) return;
    tone(784, 0);
    tone(622, 0.45);
    setTimeout(speak, PAUSE, words);
  };

  const listen = () => {
    // The newest stands first; they are called in the order in which they were pressed.
    for (const entry of calls().reverse()) {
      if (heard.has(entry.dataset.key)) continue;
      heard.add(entry.dataset.key);
      entry.classList.add("call--new");
      call(entry);
    }
    for (const old of [...heard].slice(0, -KEPT)) heard.delete(old);
  };

  const allow = () => {
    audio = new AudioContext();
    button.hidden = true;
  };

  for (const each of calls()) heard.add(each.dataset.key);
  place.addEventListener("live", listen);
  button.addEventListener("click", () => { allow(); tone(784, 0); });
  if (new URLSearchParams(location.search).get("sound") === "on") allow();
  else button.hidden = false;
})();
