// A group purchase: cards scanned one after the other, none lost while the answer to the one before is on its way; and
// the parts of a large purchase carried out one after the other.

import { cameraPanel } from "./camera.js";
import { byId } from "./page.js";
import { catchScans } from "./scanner.js";

// Send a form, and put the answer's group in place of the page's; the page that was answered, or null without an answer.
async function sent(form, data) {
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Fragment": "#groupe" }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("groupe");
    if (fresh) byId("groupe").replaceWith(fresh);
    else location.assign(location.href);
    return fresh && page;
  } catch {
    return null;
  }
}

function unanswered() {
  const alert = document.createElement("div");
  alert.className = "alert alert-danger";
  alert.textContent = "Le réseau ne répond pas\u00a0: scannez cette carte de nouveau.";
  return alert;
}

const scan = byId("scan");
if (scan) {
  const field = byId("code");
  let line = Promise.resolve();

  const add = (code) => {
    if (!code.trim()) return;
    line = line.then(async () => {
      const data = new FormData(scan);
      data.set("code", code);
      const page = await sent(scan, data);
      const said = page?.getElementById("said");
      if (said) byId("said").replaceChildren(...said.childNodes);
      else if (!page) byId("said").replaceChildren(unanswered());
    });
  };

  scan.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const code = field.value;
    field.value = "";
    field.focus();
    add(code);
  });
  catchScans(field, add);

  cameraPanel(byId("till").dataset.frameUrl, add, { closed: () => field.focus() });
}

async function goOn() {
  for (let form; (form = document.querySelector("form[data-go-on]")); ) {
    if (!(await sent(form, new FormData(form)))) return;
  }
}

goOn();
