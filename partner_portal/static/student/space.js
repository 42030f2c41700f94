// On every page of the student's space: who signs out takes the code off this device.

import { forget } from "./key.js";

for (const form of document.querySelectorAll('form[action$="/deconnexion"]')) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await forget().catch(() => {});
    form.submit();
  });
}
