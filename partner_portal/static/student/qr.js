// The QR code of a card's text, and of nothing else: 32 capitals and digits, version 3 (29 modules), level Q, always with
// mask 0, which is as good as any other for a text that is random letters. Tests compare it with the library that draws
// the printed cards (ISO/IEC 18004 is the source of the constants).

export const SIZE = 29;
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const DATA_WORDS = 34;
const BLOCKS = 2;
const CORRECTION_WORDS = 18;
const FORMAT = formatOf(0b11, 0);

// Rows of booleans, true for a dark module. Throws RangeError for a text that is no card's.
export function matrix(text) {
  if (!/^[A-Z0-9]{32}$/.test(text)) throw new RangeError("not the text of a card");
  const { dark, taken } = patterns();
  place(dark, taken, interleaved(words(text)));
  drawFormat(dark);
  return dark;
}

// The code as one path of an SVG picture, with its quiet zone of four modules around it.
export function path(text) {
  const runs = [];
  matrix(text).forEach((row, y) => {
    for (let x = 0; x < SIZE; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x++;
      runs.push(`M${start + 4} ${y + 4}h${x - start + 1}v1H${start + 4}z`);
    }
  });
  return runs.join("");
}

// -- the words ----------------------------------------------------------------------------------------------------

function words(text) {
  let bits = "0010" + binary(text.length, 9);
  for (let i = 0; i < text.length; i += 2) {
    bits += binary(ALPHANUMERIC.indexOf(text[i]) * 45 + ALPHANUMERIC.indexOf(text[i + 1]), 11);
  }
  bits += "0000";
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  const found = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  for (let i = 0; found.length < DATA_WORDS; i++) found.push(i % 2 ? 0x11 : 0xec);
  return found;
}

const binary = (value, width) => value.toString(2).padStart(width, "0");

function interleaved(data) {
  const each = DATA_WORDS / BLOCKS;
  const blocks = Array.from({ length: BLOCKS }, (_, i) => data.slice(i * each, (i + 1) * each));
  const corrections = blocks.map(correction);
  const mixed = [];
  for (let i = 0; i < each; i++) for (const block of blocks) mixed.push(block[i]);
  for (let i = 0; i < CORRECTION_WORDS; i++) for (const words of corrections) mixed.push(words[i]);
  return mixed;
}

// Reed-Solomon over the field of 256 elements with the polynomial 0x11d.
function correction(block) {
  const generator = [1];
  for (let i = 0, root = 1; i < CORRECTION_WORDS; i++, root = product(root, 2)) {
    generator.push(0);
    for (let j = generator.length - 1; j > 0; j--) generator[j] ^= product(generator[j - 1], root);
  }
  const rest = new Array(CORRECTION_WORDS).fill(0);
  for (const word of block) {
    const factor = word ^ rest.shift();
    rest.push(0);
    for (let i = 0; i < CORRECTION_WORDS; i++) rest[i] ^= product(generator[i + 1], factor);
  }
  return rest;
}

function product(a, b) {
  let found = 0;
  for (; b; b >>= 1, a = (a << 1) ^ (a & 0x80 ? 0x11d : 0)) if (b & 1) found ^= a;
  return found;
}

// -- the modules --------------------------------------------------------------------------------------------------

function patterns() {
  const dark = Array.from({ length: SIZE }, () => new Array(SIZE).fill(false));
  const taken = Array.from({ length: SIZE }, () => new Array(SIZE).fill(false));
  const set = (x, y, is) => {
    if (x < 0 || y < 0 || x >= SIZE || y >= SIZE) return;
    dark[y][x] = is;
    taken[y][x] = true;
  };
  const square = (cx, cy, radius, isDark) => {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) set(cx + x, cy + y, isDark(Math.max(Math.abs(x), Math.abs(y))));
    }
  };
  for (let i = 0; i < SIZE; i++) {
    set(i, 6, i % 2 === 0);
    set(6, i, i % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [SIZE - 4, 3], [3, SIZE - 4]]) square(x, y, 4, (ring) => ring !== 2 && ring !== 4);
  square(22, 22, 2, (ring) => ring !== 1);
  for (const [x, y] of formatPlaces().flat()) set(x, y, false);
  set(8, SIZE - 8, true);
  return { dark, taken };
}

function place(dark, taken, sent) {
  let bit = 0;
  let up = true;
  for (let right = SIZE - 1; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < SIZE; i++) {
      const y = up ? SIZE - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (taken[y][x]) continue;
        const value = (sent[bit >> 3] >> (7 - (bit & 7))) & 1;
        dark[y][x] = Boolean(value) !== ((x + y) % 2 === 0);
        bit++;
      }
    }
  }
}

function formatOf(level, mask) {
  const data = (level << 3) | mask;
  let rest = data;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  return ((data << 10) | rest) ^ 0x5412;
}

// Where the fifteen bits of the format stand, the lowest first; each of them twice.
function formatPlaces() {
  const first = [];
  for (let i = 0; i < 6; i++) first.push([8, i]);
  first.push([8, 7], [8, 8], [7, 8]);
  for (let i = 9; i < 15; i++) first.push([14 - i, 8]);
  const second = [];
  for (let i = 0; i < 8; i++) second.push([SIZE - 1 - i, 8]);
  for (let i = 8; i < 15; i++) second.push([8, SIZE - 15 + i]);
  return [first, second];
}

function drawFormat(dark) {
  for (const places of formatPlaces()) places.forEach(([x, y], i) => (dark[y][x] = ((FORMAT >> i) & 1) === 1));
}
