// The page of the code: draws it every half minute from the key on this device, with or without the network.

import { forget, kept, NoCard, refresh } from "./key.js";
import { path } from "./qr.js";
import { codeOf, shareLeft, stepAt } from "./steps.js";

const one = (selector) => document.querySelector(selector);
const parts = { picture: one("#code-picture"), time: one("#code-time"), said: one("#code-said"), name: one("#code-name") };
let card = null;
let shown = null;

start();

async function start() {
  navigator.serviceWorker?.register("/eleve/service-worker.js", { scope: "/eleve/" }).catch(() => {});
  card = await kept().catch(() => null);
  // What is kept is shown at once: at a counter nobody waits for the network.
  if (card) show();
  try {
    const fresh = await refresh();
    if (fresh) card = fresh;
    say(fresh || !card ? "" : "Ce code est celui de la dernière visite. Connectez-vous pour le mettre à jour.");
    if (!card) return reveal("signed-out");
  } catch (problem) {
    if (problem instanceof NoCard) {
      card = null;
      say(problem.message);
      return reveal("no-card");
    }
    if (!card) return reveal("no-network");
    say("Pas de réseau : votre code marche quand même.");
  }
  show();
}

function say(sentence) {
  parts.said.textContent = sentence;
}

function reveal(state) {
  document.body.dataset.state = state;
}

function show() {
  parts.name.textContent = card.name;
  reveal("code");
  keepLight();
  if (!shown) tick();
}

async function tick() {
  if (!card) return;
  const now = Date.now();
  const step = stepAt(card, now);
  const drawn = `${card.prefix}/${step}`;
  if (drawn !== shown) {
    const text = await codeOf(card, step);
    parts.picture.setAttribute("d", path(text));
    shown = drawn;
  }
  parts.time.value = shareLeft(card, now);
  setTimeout(tick, 250);
}

// A screen that dims is hard to scan; browsers that cannot keep it awake lose nothing else.
async function keepLight() {
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // No such thing here, or not while the page is hidden.
  }
}

document.addEventListener("visibilitychange", () => card && !document.hidden && keepLight());

one("#code-forget").addEventListener("click", async () => {
  await forget();
  card = shown = null;
  say("");
  reveal("forgotten");
  one("#code-forgotten").focus();
});
