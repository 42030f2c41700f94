// What pages gain from a script: every page works without it. Behaviour is asked for by attributes:
//   <form data-confirm="Question ?">           asks before it sends
//   <form|a data-replace="#id">                 fetches its answer and puts the answer's #id in place of the page's
//   <div id="x" data-poll="3">                  fetches itself again every 3 seconds, until the answer's #x polls no more
//   <input data-reveal>                         a password that can be shown
//   <button data-print>, <button data-copy="text">, <… data-focus>, <ul data-keep-current-in-view>
// A form is never sent twice: its buttons rest until the answer, or until the page comes back from history.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// -- sending once -----------------------------------------------------------------------------------------------------

function rest(form, resting) {
  form.toggleAttribute("data-sent", resting);
  for (const button of all("button:not([type=button])", form)) {
    if (resting) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}

addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => rest(form, false)));

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.hasAttribute("data-sent")) return event.preventDefault();
  if (form.dataset.confirm && !form.hasAttribute("data-confirmed")) {
    event.preventDefault();
    return ask(form.dataset.confirm, event.submitter).then((yes) => {
      if (!yes) return;
      form.setAttribute("data-confirmed", "");
      form.requestSubmit(event.submitter);
      form.removeAttribute("data-confirmed");
    });
  }
  rest(form, true);
  if (form.dataset.replace) {
    event.preventDefault();
    send(form, event.submitter);
  }
});

// -- asking first -----------------------------------------------------------------------------------------------------

function ask(question, submitter) {
  const yes = submitter?.textContent.trim() || "Continuer";
  const kind = submitter?.classList.contains("button-danger") ? "button button-danger" : "button";
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "question";
  text.textContent = question;
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "actions";
  for (const [label, value, look] of [[yes, "yes", kind], ["Non, revenir", "no", "button button-quiet"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.className = look;
    button.textContent = label;
    form.append(button);
  }
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
  });
}

// -- replacing a part of the page -------------------------------------------------------------------------------------

async function load(url, selector, options = {}) {
  const target = one(selector);
  target?.setAttribute("aria-busy", "true");
  target?.classList.add("busy");
  try {
    const answer = await fetch(url, { ...options, headers: { "X-Fragment": selector }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = one(selector, page);
    // A sign-in page, an error: not the part that was asked for. Go and see it whole.
    if (!fresh || !target) return { answer, fresh: null };
    target.replaceWith(fresh);
    enhance(fresh);
    return { answer, fresh };
  } finally {
    target?.removeAttribute("aria-busy");
    target?.classList.remove("busy");
  }
}

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const isGet = form.method !== "post";
  const url = new URL(submitter?.getAttribute("formaction") || form.action, location.href);
  if (isGet) url.search = new URLSearchParams(data).toString();
  try {
    const { answer, fresh } = await load(url, form.dataset.replace, isGet ? {} : { method: "POST", body: data });
    if (!fresh) return location.assign(answer.redirected || isGet ? answer.url : location.href);
    if (isGet || answer.redirected) history.replaceState(null, "", answer.url);
    one("[data-focus]", fresh)?.focus();
    one("#annonce")?.remove();
  } catch {
    announce("Le réseau ne répond pas. Rien n’a été confirmé\u00a0: réessayez.");
    // What was ticked did not arrive: the page shows again what the service holds, and would act on.
    if (!isGet) form.reset();
  } finally {
    rest(form, false);
  }
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-replace]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  try {
    const { answer, fresh } = await load(link.href, link.dataset.replace);
    if (!fresh) return location.assign(link.href);
    history.replaceState(null, "", answer.url);
  } catch {
    location.assign(link.href);
  }
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-replace][data-as-typed]");
  if (!form) return;
  clearTimeout(form.typing);
  form.typing = setTimeout(() => form.requestSubmit(), 250);
});

function poll(part) {
  setTimeout(async () => {
    if (!part.isConnected) return;
    if (document.hidden) return poll(part);
    try {
      await load(part.dataset.src || location.href, `#${part.id}`);
    } catch {
      poll(part);
    }
  }, Number(part.dataset.poll) * 1000);
}

// -- telling ----------------------------------------------------------------------------------------------------------

function announce(text) {
  let place = one("#annonce");
  if (!place) {
    place = document.createElement("div");
    place.id = "annonce";
    place.className = "alert alert-danger";
    place.setAttribute("role", "alert");
    one("main").prepend(place);
  }
  place.textContent = text;
}

// -- small comforts ---------------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("print" in button.dataset) print();
  if ("copy" in button.dataset) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.textContent;
    button.textContent = "Copié";
    setTimeout(() => (button.textContent = label), 2000);
  }
});

function reveal(input) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  button.textContent = "Afficher";
  button.setAttribute("aria-label", "Afficher le mot de passe");
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Masquer" : "Afficher";
    button.setAttribute("aria-label", `${button.textContent} le mot de passe`);
  });
  const pair = document.createElement("div");
  pair.className = "with-reveal";
  input.replaceWith(pair);
  pair.append(input, button);
  input.form?.addEventListener("submit", () => (input.type = "password"));
}

function enhance(root) {
  const within = (selector) => [...(root.matches?.(selector) ? [root] : []), ...all(selector, root)];
  within("[data-poll]").forEach(poll);
  within("input[data-reveal]").forEach(reveal);
  within("[data-keep-current-in-view] [aria-current]").forEach((link) => {
    const list = link.closest("ul");
    list.scrollLeft = link.offsetLeft - list.clientWidth / 2;
  });
}

enhance(document);
one("[data-focus]")?.focus();
