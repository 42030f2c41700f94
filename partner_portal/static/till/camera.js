// Reads cards by the computer's or telephone's camera. Where the browser can find QR codes itself, nothing leaves it;
// elsewhere small grey frames go to the portal, which looks at them once and keeps nothing.

import { byId } from "./page.js";
import { NoAnswer, post } from "./service.js";
import { readCard } from "./codes.js";

const FRAMES_PER_SECOND = 4;
const LONGEST_SIDE = 800;
// The same card in view is told again only after this long: it is still held before the camera.
const SAME_CARD_MS = 5_000;
// Nobody has shown anything for so long that the camera had better rest.
const REST_AFTER_MS = 90_000;

// What to do before the camera, and without it.
const CLERK = {
  present: "Présentez la carte ou le téléphone de l’élève devant la caméra.",
  otherwise: "scannez ou tapez le code de la carte",
};

class Camera {
  // `seen(text)` is told each card, `told(sentence)` what there is to say to the person ("" for nothing); `words` are as
  // `CLERK` has them, and `button` the name of what opens the camera again.
  constructor(video, { seen, told, frameUrl, words, button }) {
    Object.assign(this, { video, seen, told, frameUrl, words, button });
    this.canvas = document.createElement("canvas");
    this.last = { text: "", at: 0 };
  }

  get running() {
    return Boolean(this.stream);
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      return this.told(`Ce navigateur ne donne pas accès à la caméra : ${this.words.otherwise}.`);
    }
    try {
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      return this.told(`${REASONS[error.name] ?? "La caméra ne répond pas :"} ${this.words.otherwise}.`);
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.detector = await detector();
    this.told(this.words.present);
    this.lastSeen = Date.now();
    this.#watch(this.stream);
  }

  stop(sentence = "") {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.told(sentence);
  }

  async #watch(stream) {
    while (this.stream === stream) {
      const begun = Date.now();
      if (begun - this.lastSeen > REST_AFTER_MS) return this.stop(`La caméra s’est mise en pause : appuyez sur « ${this.button} » pour reprendre.`);
      if (!document.hidden) {
        try {
          for (const text of await this.#look()) this.#found(text);
        } catch (problem) {
          if (problem.signedOut) return this.stop(problem.message);
          this.told(problem.message);
        }
      }
      await new Promise((done) => setTimeout(done, Math.max(50, 1000 / FRAMES_PER_SECOND - (Date.now() - begun))));
    }
  }

  async #look() {
    if (this.detector) {
      try {
        return (await this.detector.detect(this.video)).map((code) => code.rawValue);
      } catch {
        // Some browsers name a detector whose service is not there: the portal looks from here on.
        this.detector = null;
      }
    }
    const frame = await this.#frame();
    return frame ? (await post(this.frameUrl, frame, frame.type)).cards : [];
  }

  #frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return null;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const drawing = this.canvas.getContext("2d", { alpha: false });
    drawing.filter = "grayscale(1)";
    drawing.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.7));
  }

  #found(raw) {
    let text;
    try {
      ({ text } = readCard(raw));
    } catch {
      return this.told("Ce code n’est pas celui d’une carte Atouts Normandie.");
    }
    const now = Date.now();
    const isSame = text === this.last.text && now - this.last.at < SAME_CARD_MS;
    this.last = { text, at: now };
    this.lastSeen = now;
    if (!isSame && this.stream) this.seen(text);
  }
}

// The camera of a page that has its panel: a button opens and closes it, `seen(text)` is told each card.
export function cameraPanel(frameUrl, seen, { closed = () => {}, words = CLERK } = {}) {
  const [opener, panel] = [byId("camera-open"), byId("camera")];
  const show = (isOpen) => {
    panel.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  const told = (sentence) => (byId("camera-said").textContent = sentence);
  const camera = new Camera(byId("video"), { seen, told, frameUrl, words, button: opener.textContent.trim() });
  opener.hidden = false;
  const close = () => {
    camera.stop();
    show(false);
    closed();
  };
  opener.addEventListener("click", () => {
    if (camera.running) return close();
    show(true);
    camera.start();
  });
  byId("camera-close").addEventListener("click", close);
}

// The cards on a picture that the clerk chose; the portal decodes it. Throws `NoAnswer` with a sentence.
export async function cardsOnPicture(file, url) {
  const answer = await post(url, file, file.type || "application/octet-stream");
  if (answer.detail) throw new NoAnswer(answer.detail);
  return answer.cards;
}

const REASONS = {
  NotAllowedError: "L’accès à la caméra est refusé : autorisez-le dans le navigateur, ou",
  NotFoundError: "Cet appareil n’a pas de caméra :",
  NotReadableError: "La caméra est déjà utilisée par un autre programme : fermez-le, ou",
};

async function detector() {
  try {
    const formats = await BarcodeDetector.getSupportedFormats();
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}
