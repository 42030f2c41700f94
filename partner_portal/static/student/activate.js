// The card's code by a picture or the camera, as at the till; typing it works as well, and without this script.

import { Camera, cardsOnPicture } from "../till/camera.js";

const one = (selector) => document.querySelector(selector);
const tools = one("#card-tools");
const field = one("#code");
const said = one("#card-said");
const camera = one("#camera");

function take(text) {
  field.value = text.match(/.{4}/g).join(" ");
  said.textContent = "La carte est lue.";
  one("#birth_date").focus();
}

one("#picture").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  said.textContent = "Lecture de la photo…";
  try {
    const [card] = await cardsOnPicture(file, tools.dataset.pictureUrl);
    take(card);
  } catch (problem) {
    said.textContent = problem.message;
  }
  event.target.value = "";
});

const watching = new Camera(one("#video"), {
  seen: (text) => {
    watching.stop();
    take(text);
  },
  told: (sentence) => (said.textContent = sentence.replace(" ou le téléphone de l’élève", "")),
  stopped: () => (camera.hidden = true),
  frameUrl: tools.dataset.frameUrl,
});

one("#camera-open").addEventListener("click", () => {
  camera.hidden = false;
  watching.start();
});
one("#camera-close").addEventListener("click", () => watching.stop());
tools.hidden = false;
