// What a scanner or a person typed, read as a student's card or as a book's number: the same rule as the till client's
// (pos_client/codes.py, which tells the reasons), and tests compare the two.

const CARD = /^[AW][A-Z2-7]{31}$/;
const LENGTH = 32;
// The unshifted signs of an AZERTY keyboard's digit row, in capitals.
const DIGIT_ROW = { "&": "1", "É": "2", '"': "3", "'": "4", "’": "4", "(": "5", "-": "6", "§": "6", "È": "7", _: "8", "!": "8", "Ç": "9", "À": "0" };
// Where the American and the French layout print different letters on one key.
const SWAPPED_KEYS = { A: "Q", Q: "A", Z: "W", W: "Z", ",": "M", "?": "M" };
// Digits that no card has, because people take them for letters.
const LOOKALIKES = { 0: "O", 1: "I", 8: "B" };

const each = (text, table) => [...text].map((sign) => table[sign] ?? sign).join("");
const squeeze = (text) => text.replace(/\s+/gu, "").toUpperCase();

// The text is no card's or no book's number; the message is the sentence for the clerk.
export class Unreadable extends Error {}

// {text, layoutWrong} of a card; layoutWrong says that the scanner is set up for another keyboard than the computer's.
export function readCard(typed) {
  const squeezed = squeeze(typed);
  const layoutWrong = /^[QZ]/.test(squeezed);
  const readings = new Set();
  // A hyphen is a 6 typed without shift, or parts a code typed in groups.
  for (const text of [squeezed, squeezed.replaceAll("-", "")]) {
    const signs = each(text, DIGIT_ROW);
    const reading = each(layoutWrong ? each(signs, SWAPPED_KEYS) : signs, LOOKALIKES);
    if (CARD.test(reading)) readings.add(reading);
  }
  if (readings.size === 1) return { text: [...readings][0], layoutWrong };
  const read = [...squeezed].length;
  if (read !== LENGTH) {
    throw new Unreadable(`Ce n’est pas un code de carte : il compte ${LENGTH} caractères, ${read} ont été lus.`);
  }
  throw new Unreadable("Ce n’est pas un code de carte Atouts Normandie : scannez la carte à nouveau.");
}

// The thirteen digits of an EAN or ISBN; a ten-digit ISBN gets its modern form.
export function readEan(typed) {
  const number = digits(typed);
  let modern, right;
  if (/^[0-9]{13}$/.test(number)) {
    [modern, right] = [number, number[12] === eanKey(number.slice(0, 12))];
  } else if (/^[0-9]{9}[0-9X]$/.test(number)) {
    const start = `978${number.slice(0, 9)}`;
    [modern, right] = [start + eanKey(start), number[9] === isbn10Key(number.slice(0, 9))];
  } else {
    throw new Unreadable("Ce n’est pas un numéro de livre : un ISBN compte 13 chiffres (10 pour un livre ancien).");
  }
  if (!right) throw new Unreadable("Ce numéro de livre est faux : un chiffre est mal tapé ou mal lu.");
  return modern;
}

// Whether a text is meant as a book's number rather than as words of its title.
export function looksLikeANumber(typed) {
  const number = digits(typed);
  return number.length >= 8 && /^[0-9]+$/.test(number.slice(0, -1));
}

// Whether a text is meant as a card's code: nobody looks for a title with so many signs and no space.
export const looksLikeACard = (typed) => !/\s/.test(typed.trim()) && typed.trim().length > 20;

function digits(typed) {
  const squeezed = squeeze(typed);
  if (/[0-9]/.test(squeezed)) return squeezed.replaceAll("-", "");
  // All digits came without shift, so a hyphen is a 6 as well.
  return each(squeezed, DIGIT_ROW);
}

function eanKey(twelve) {
  const total = [...twelve].reduce((sum, digit, place) => sum + Number(digit) * (place % 2 ? 3 : 1), 0);
  return String((10 - (total % 10)) % 10);
}

function isbn10Key(nine) {
  const total = [...nine].reduce((sum, digit, place) => sum + Number(digit) * (10 - place), 0);
  return "0123456789X"[(11 - (total % 11)) % 11];
}
