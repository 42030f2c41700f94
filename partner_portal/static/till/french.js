// Amounts and days as French readers expect them, with spaces that never break a line.

const MONTHS = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];

// 1250 is "12,50 €".
export function euros(cents) {
  const whole = String(Math.floor(Math.abs(cents) / 100)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${cents < 0 ? "−" : ""}${whole},${String(Math.abs(cents) % 100).padStart(2, "0")}\u00a0€`;
}

// "12,50", "12.5 €" and "1 234" in cents; null for anything else.
export function cents(typed) {
  const found = /^([0-9]{1,7})(?:[.,]([0-9]{1,2}))?$/.exec(typed.replace(/[\s€]+/gu, ""));
  return found && Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

// "2027-06-30" is "30 juin 2027".
export function day(iso) {
  const [year, month, number] = iso.split("-").map(Number);
  return `${number === 1 ? "1er" : number}\u00a0${MONTHS[month - 1]}\u00a0${year}`;
}

// An instant as this computer's clock shows it: "9 h 05".
export function clock(date) {
  return `${date.getHours()}\u00a0h\u00a0${String(date.getMinutes()).padStart(2, "0")}`;
}

// A sentence whose signs of two parts stay with their word, at the end of a line too.
export const unbroken = (sentence) => sentence.replace(/ (?=[:;?!»])|(?<=«) /gu, "\u00a0");

export const called = ({ first_name: name, initial }) => (initial ? `${name} ${initial.replace(/\.$/, "")}.` : name);
