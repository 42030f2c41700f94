// The portal's API, called for the person who is signed in. An answer comes back as a value, a refusal as `Refused`;
// `NoAnswer` means that nobody knows what became of the request.

const ROOT = "/api/v1/";
const PATIENCE_MS = 12_000;
// Statuses that a moment later may be over.
const PASSING = new Set([408, 425, 429]);

export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.code = problem.code;
    this.problem = problem;
  }
}

export class NoAnswer extends Error {
  constructor(sentence, { retryAfter = 0, signedOut = false, stale = false, reference = "" } = {}) {
    super(sentence);
    Object.assign(this, { retryAfter, signedOut, stale, reference });
  }
}

// Ask the API. `key` names a request that must happen once; send it again with the same body until it is answered.
export async function ask(method, path, { body, key } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const { response, said } = await reached(ROOT + path, { method, headers, body: body && JSON.stringify(body) });
  if (response.ok && said) return said;
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  if (response.status === 401) throw new NoAnswer("Votre session est terminée : reconnectez-vous.", { signedOut: true });
  if (said?.code === "csrf_failed") throw new NoAnswer("Cette page est trop ancienne : rechargez-la.", { stale: true });
  const isFinal = response.status >= 400 && response.status < 500 && !PASSING.has(response.status);
  if (isFinal && said?.code) throw new Refused(said);
  const sentence =
    response.status === 429 || response.status === 503
      ? "Le service est très sollicité ou momentanément arrêté."
      : `Le service n’a pas répondu comme prévu (${response.status}).`;
  throw new NoAnswer(sentence, { retryAfter, reference: said?.request_id ?? "" });
}

// Post to one of the portal's own pages, which answers in JSON when it is asked to.
export async function post(path, body, type) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (type) headers["Content-Type"] = type;
  const { response, said } = await reached(path, { method: "POST", headers, body });
  if (response.redirected || response.status === 401) {
    throw new NoAnswer("Votre session est terminée : reconnectez-vous.", { signedOut: true });
  }
  if (said && (response.ok || response.status === 422)) return said;
  const sentence = { 413: "Cette image est trop lourde.", 429: "Trop de demandes : patientez un instant." };
  throw new NoAnswer(sentence[response.status] ?? `Le service n’a pas répondu comme prévu (${response.status}).`);
}

async function reached(url, options) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { ...options, signal, credentials: "same-origin", cache: "no-store" });
    const text = await response.text();
    return { response, said: parsed(text) };
  } catch {
    throw new NoAnswer("Le réseau ne répond pas.");
  }
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

const token = () => document.querySelector("[data-csrf]").dataset.csrf;
