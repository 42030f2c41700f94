// The text a phone shows during one time step: see ledger/cards.py, which reads it at the till.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MAC_BYTES = 10;

// `card` is what the device keeps: {prefix, key (a CryptoKey), stepSeconds, skewMs}.
export const stepAt = (card, nowMs) => Math.floor((nowMs + card.skewMs) / 1000 / card.stepSeconds);

// How much of the current step is still to come, from 1 down to 0.
export function shareLeft(card, nowMs) {
  const lengthMs = card.stepSeconds * 1000;
  return 1 - ((nowMs + card.skewMs) % lengthMs) / lengthMs;
}

export async function codeOf(card, step) {
  const signed = await crypto.subtle.sign("HMAC", card.key, new TextEncoder().encode(`W/${step}`));
  return "W" + card.prefix + base32(new Uint8Array(signed).slice(0, MAC_BYTES));
}

// Ten bytes are sixteen letters of five bits, with none left over.
function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{5}/g).map((five) => LETTERS[parseInt(five, 2)]).join("");
}
