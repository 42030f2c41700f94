// The key of the student's card as this device keeps it: in IndexedDB, as a CryptoKey that no script can read again.

const DATABASE = "atouts";
const STORE = "card";
const ADDRESS = "/eleve/code/cle";
const PATIENCE_MS = 8_000;

export class NoCard extends Error {}

// The card kept here, or null.
export const kept = () => use("readonly", (store) => store.get("mine")).then((card) => card ?? null);

// Forget the card.
export const forget = () => use("readwrite", (store) => store.delete("mine"));

// Ask the portal for the key and keep it in place of any other. Returns the card; null when nobody is signed in. Throws
// `NoCard` with a sentence when the student has no card any more, TypeError when the network does not answer.
export async function refresh() {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const asked = Date.now();
  const response = await fetch(ADDRESS, {
    headers: { Accept: "application/json" },
    credentials: "same-origin",
    cache: "no-store",
    redirect: "manual",
    signal,
  }).catch(() => {
    throw new TypeError("network");
  });
  // Not signed in: the portal leads to its door, or says that this is another kind of account.
  if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) return null;
  if (response.status === 404 || response.status === 410) {
    await forget();
    throw new NoCard("Vous n’avez pas de carte en cours : adressez-vous à votre établissement.");
  }
  if (!response.ok) throw new TypeError("network");
  const said = await response.json();
  const bytes = Uint8Array.from(said.key.match(/../g), (pair) => parseInt(pair, 16));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const card = {
    prefix: said.prefix,
    key,
    stepSeconds: said.step_seconds,
    // Half of the round trip was the way back. A phone's clock may be minutes wrong, and the till allows half a minute.
    skewMs: said.now_ms - (asked + Date.now()) / 2,
    name: said.name,
    checkedAt: Date.now(),
  };
  await use("readwrite", (store) => store.put(card, "mine"));
  return card;
}

function use(mode, work) {
  return new Promise((done, fail) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const asked = work(database.transaction(STORE, mode).objectStore(STORE));
      asked.transaction.oncomplete = () => (database.close(), done(asked.result));
      asked.transaction.onabort = () => (database.close(), fail(asked.error));
    };
  });
}
