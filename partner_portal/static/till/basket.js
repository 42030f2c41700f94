// What is about to be debited: licences with their prices, and whether the student's benefits hold out for them.

import { byId, filled } from "./page.js";
import { cents, euros } from "./french.js";

const KEPT = "atouts.basket";

export class Basket {
  // `changed()` is called whenever a licence or a price changes.
  constructor(list, changed) {
    Object.assign(this, { list, changed });
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    this.keeps = kept !== null;
    this.lines = [];
    for (const product of kept ?? []) this.#append(product);
  }

  get isEmpty() {
    return !this.lines.length;
  }

  get total() {
    return this.lines.reduce((sum, line) => sum + (line.price ?? 0), 0);
  }

  // What the API is asked for.
  get asked() {
    return this.lines.map((line) => ({ ean: line.product.ean, price_cents: line.price }));
  }

  // Add a licence; false when it is there already: a book scanned twice is one book.
  add(product) {
    if (this.lines.some((line) => line.product.ean === product.ean)) return false;
    this.#append(product);
    this.#changed();
    return true;
  }

  clear() {
    this.lines = [];
    this.list.replaceChildren();
    this.#changed();
  }

  // Whether the licences stay for the next student; they hold nothing personal, so the tab remembers them.
  keep(keeps) {
    this.keeps = keeps;
    this.#changed();
  }

  // Cents per benefit.
  get byBenefit() {
    const sums = new Map();
    for (const { product, price } of this.lines) sums.set(product.benefit, (sums.get(product.benefit) ?? 0) + (price ?? 0));
    return sums;
  }

  // The first reason why this cannot be debited to a student with these `benefits`; "" when it can.
  obstacle(benefits) {
    const wrong = this.lines.find((line) => !line.price);
    if (wrong) return `Indiquez le prix de « ${wrong.product.title} », par exemple 12,50.`;
    const dear = this.lines.find((line) => line.price > line.product.real_cost_cents);
    if (dear) return `Le prix de « ${dear.product.title} » dépasse son coût réel, ${euros(dear.product.real_cost_cents)}.`;
    for (const [code, sum] of this.byBenefit) {
      const benefit = benefits.find((one) => one.benefit === code);
      if (!benefit) return "Cet élève n’a pas l’avantage qui paie l’une de ces licences : retirez-la.";
      if (sum > benefit.available_cents) {
        return `Il manque ${euros(sum - benefit.available_cents)} sur « ${benefit.label} » : retirez une licence, ou ne débitez que ce qui reste.`;
      }
    }
    return "";
  }

  #append(product) {
    const line = { product, price: product.real_cost_cents };
    const item = filled("t-line", { title: product.title, note: [product.publisher, product.ean].filter(Boolean).join(", ") });
    const price = item.querySelector(".price");
    price.value = euros(line.price).replace(/\s*€$/u, "");
    price.setAttribute("aria-label", `Prix de ${product.title}, en euros`);
    price.addEventListener("input", () => {
      line.price = cents(price.value);
      price.setAttribute("aria-invalid", String(!line.price || line.price > product.real_cost_cents));
      this.#changed();
    });
    price.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      byId("code").focus();
    });
    const remove = item.querySelector(".remove");
    remove.setAttribute("aria-label", `Retirer ${product.title}`);
    remove.addEventListener("click", () => {
      this.lines = this.lines.filter((one) => one !== line);
      item.remove();
      byId("code").focus();
      this.#changed();
    });
    this.lines.push(line);
    this.list.append(item);
  }

  #changed() {
    if (this.keeps) sessionStorage.setItem(KEPT, JSON.stringify(this.lines.map((line) => line.product)));
    else sessionStorage.removeItem(KEPT);
    this.changed();
  }
}
