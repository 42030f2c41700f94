// The card's code by a picture or the camera, as at the till; typing it works as well, and without this script.

import { cameraPanel, cardsOnPicture } from "../till/camera.js";
import { byId } from "../till/page.js";

const tools = byId("card-tools");
const said = byId("card-said");

function take(text) {
  byId("code").value = text.match(/.{4}/g).join(" ");
  said.textContent = "La carte est lue.";
  byId("birth_date").focus();
}

byId("picture").addEventListener("change", async (event) => {
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

const found = (text) => {
  byId("camera-close").click();
  take(text);
};
cameraPanel(tools.dataset.frameUrl, found, {
  words: {
    present: "Tenez votre carte devant la caméra, le code carré bien visible.",
    otherwise: "choisissez une photo de votre carte, ou tapez son code",
  },
});
tools.hidden = false;
