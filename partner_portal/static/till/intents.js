// What must happen once: kept in the browser with its key from before it is sent until the service has answered, so
// that neither a cut nor a reload loses it or does it twice. The key and the body are kept, never a name.

import { ask, NoAnswer, Refused } from "./service.js";

const LONGEST_WAIT_S = 30;

export class Intents {
  // `changed()` is called when the list or a try's outcome changed; `answered(intent, answer, refusal)` once for each.
  constructor(partner, { changed, answered }) {
    this.place = `atouts.intents.${partner}.`;
    this.changed = changed;
    this.answered = answered;
    this.list = this.#read();
    this.tries = 0;
    this.trouble = null;
    this.sending = null;
    addEventListener("online", () => this.sendAll());
    document.addEventListener("visibilitychange", () => document.hidden || this.sendAll());
  }

  // Keep a request and send it. `about` is what a person can recognise it by once names are gone: kind and amount.
  add(path, body, about) {
    const intent = { key: crypto.randomUUID(), path, body, about, at: new Date().toISOString() };
    this.list.push(intent);
    this.#keep(intent);
    // Whoever asks anew has had an answer from the service a moment ago.
    this.trouble = null;
    this.sendAll();
    return intent;
  }

  drop(intent) {
    this.list = this.list.filter((one) => one.key !== intent.key);
    localStorage.removeItem(this.place + intent.key);
    this.changed();
  }

  // Send what waits, one after the other; whoever calls meanwhile waits for the same round.
  sendAll() {
    this.sending ??= this.#round().then((isThrough) => {
      this.sending = null;
      // What was added meanwhile.
      if (isThrough && this.list.length) this.sendAll();
    });
    return this.sending;
  }

  async #round() {
    clearTimeout(this.timer);
    this.changed();
    for (const intent of [...this.list]) {
      try {
        const answer = await ask("POST", intent.path, { body: intent.body, key: intent.key });
        this.#settled(intent, answer, null);
      } catch (problem) {
        if (problem instanceof Refused) {
          this.#settled(intent, null, problem);
        } else if (problem instanceof NoAnswer) {
          this.#later(problem);
          return false;
        } else {
          throw problem;
        }
      }
    }
    return true;
  }

  #settled(intent, answer, refusal) {
    this.tries = 0;
    this.trouble = null;
    this.drop(intent);
    this.answered(intent, answer, refusal);
  }

  // The trouble stands until something is answered: trying again is no news.
  #later(problem) {
    this.trouble = problem;
    this.tries += 1;
    const wait = Math.max(problem.retryAfter, Math.min(2 ** this.tries, LONGEST_WAIT_S));
    this.timer = setTimeout(() => this.sendAll(), wait * 1000);
    this.changed();
  }

  // Each stands under its own name, so that two tabs never write over what the other keeps.
  #read() {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(this.place));
    return names.map((name) => JSON.parse(localStorage.getItem(name))).sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  #keep(intent) {
    try {
      localStorage.setItem(this.place + intent.key, JSON.stringify(intent));
    } catch {
      // A browser without room: the request lives as long as the page.
    }
  }
}
