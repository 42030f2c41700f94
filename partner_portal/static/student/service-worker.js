// Keeps the page of the code and what it is made of, so that it opens without the network. The portal writes the first
// line, which says what to keep: `KEPT.page`, `KEPT.files` and a version that changes with any of them.

const CACHE = `atouts-code-${KEPT.version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

async function keep() {
  const cache = await caches.open(CACHE);
  // Without the cookie: what is kept is the page for everybody.
  await cache.addAll([KEPT.page, ...KEPT.files].map((url) => new Request(url, { credentials: "omit", cache: "no-cache" })));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

async function forgetOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith("atouts-code-") && name !== CACHE) await caches.delete(name);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === KEPT.page || KEPT.files.includes(url.pathname + url.search)) {
    event.respondWith(fromHere(request, url));
  } else if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => Response.redirect(KEPT.page, 302)));
  }
});

async function fromHere(request, url) {
  const cache = await caches.open(CACHE);
  return (await cache.match(url.pathname === KEPT.page ? KEPT.page : request)) ?? fetch(request);
}
