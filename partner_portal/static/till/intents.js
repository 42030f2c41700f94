// What must happen once: kept in the browser with its key from before it is sent until the service has answered, so
// that neither a cut nor a reload loses it or does it twice. The key and the body are kept, never a name.

import { ask, NoAnswer, Refused } from "./service.js";

const LONGEST_WAIT_S = 30;

export class Intents {
  // `changed()` is called when the list or a try's outcome changed; `answered(intent, answer, refusal)` once for each.
  constructor(partner, { changed, answered }) {
    this.place = `atouts.intents.${partner}`;
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
    this.#write();
    this.sendAll();
    return intent;
  }

  drop(intent) {
    this.list = this.list.filter((one) => one.key !== intent.key);
    this.#write();
    this.changed();
  }

  // Send what waits, one after the other; whoever calls meanwhile waits for the same round.
  sendAll() {
    this.sending ??= this.#round().finally(() => {
      this.sending = null;
      if (this.list.length && !this.trouble) this.sendAll();
    });
    return this.sending;
  }

  async #round() {
    clearTimeout(this.timer);
    this.trouble = null;
    this.changed();
    for (const intent of [...this.list]) {
      try {
        const answer = await ask("POST", intent.path, { body: intent.body, key: intent.key });
        this.drop(intent);
        this.answered(intent, answer, null);
      } catch (problem) {
        if (problem instanceof Refused) {
          this.drop(intent);
          this.answered(intent, null, problem);
        } else if (problem instanceof NoAnswer) {
          return this.#later(problem);
        } else {
          throw problem;
        }
      }
    }
    this.tries = 0;
    this.changed();
  }

  #later(problem) {
    this.trouble = problem;
    this.tries += 1;
    const wait = Math.max(problem.retryAfter, Math.min(2 ** this.tries, LONGEST_WAIT_S));
    this.timer = setTimeout(() => this.sendAll(), wait * 1000);
    this.changed();
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.place)) ?? [];
    } catch {
      return [];
    }
  }

  #write() {
    try {
      if (this.list.length) localStorage.setItem(this.place, JSON.stringify(this.list));
      else localStorage.removeItem(this.place);
    } catch {
      // A browser that keeps nothing: the list lives as long as the page.
    }
  }
}
