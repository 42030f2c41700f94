// Small things to build a page with: elements by id, copies of <template>s with their slots filled, buttons.

import { unbroken } from "./french.js";

export const byId = (id) => document.getElementById(id);

// A copy of template `id`. Each `data-slot` gets its text or element; a slot that is given nothing goes.
export function filled(id, slots) {
  const copy = byId(id).content.firstElementChild.cloneNode(true);
  for (const slot of copy.querySelectorAll("[data-slot]")) {
    const value = slots[slot.dataset.slot];
    if (value === undefined || value === null || value === "") slot.remove();
    else if (value !== true) slot.replaceChildren(...[value].flat().map((part) => (typeof part === "string" ? unbroken(part) : part)));
  }
  return copy;
}

export function button(label, kind, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = label;
  made.addEventListener("click", pressed);
  return made;
}

export function link(label, href, kind) {
  const made = document.createElement("a");
  Object.assign(made, { href, className: kind, textContent: label });
  return made;
}

export function badge(label, tone) {
  const made = document.createElement("span");
  made.className = `badge badge-${tone}`;
  made.textContent = label;
  return made;
}

// One figure of a description list: a name and a value.
export function figure(name, value) {
  const pair = document.createElement("div");
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  [term.textContent, detail.textContent] = [name, value];
  pair.append(term, detail);
  return pair;
}

// Ask before something that cannot be undone; resolves to whether the answer was yes.
export function sure(question, yes) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "sure";
  text.textContent = unbroken(question);
  const answers = document.createElement("div");
  answers.className = "actions";
  answers.append(
    button(yes, "button", () => dialog.close("yes")),
    button("Non, revenir", "button button-quiet", () => dialog.close("no")),
  );
  dialog.setAttribute("aria-labelledby", "sure");
  dialog.append(text, answers);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    }),
  );
}
