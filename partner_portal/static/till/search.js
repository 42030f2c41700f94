// The scan field's list of licences: words of a title find them, arrow keys choose, Enter takes.

import { ask, NoAnswer, Refused } from "./service.js";
import { filled } from "./page.js";
import { euros } from "./french.js";
import { looksLikeACard, looksLikeANumber } from "./codes.js";

const AT_MOST = 8;
const WAIT_MS = 200;

export class Search {
  // `chosen(product)` is called for what is taken with the mouse, `told(sentence)` says what was not found.
  constructor(field, list, { chosen, told }) {
    Object.assign(this, { field, list, chosen, told });
    this.products = [];
    this.active = -1;
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("pointerdown", (event) => {
      const place = [...list.children].indexOf(event.target.closest("[role=option]"));
      event.preventDefault();
      if (place >= 0) this.chosen(this.products[place]);
    });
  }

  // The licence that Enter takes, if the list is open and is still the one for what stands in the field.
  get current() {
    return this.field.value.trim() === this.words ? this.products[this.active] : undefined;
  }

  close() {
    clearTimeout(this.timer);
    this.asked = null;
    this.#show([]);
  }

  // The product with this EAN; null when the catalogue has none.
  async byEan(ean) {
    return (await ask("GET", `catalogue?${new URLSearchParams({ ean })}`)).items[0] ?? null;
  }

  #typed() {
    clearTimeout(this.timer);
    const words = this.field.value.trim();
    if (words.length < 2 || looksLikeACard(words) || looksLikeANumber(words)) return this.close();
    this.timer = setTimeout(() => this.find(words), WAIT_MS);
  }

  // Find licences by words; resolves to those found. Only the latest question's answer is shown.
  async find(words) {
    const asked = (this.asked = Symbol(words));
    try {
      const { items } = await ask("GET", `catalogue?${new URLSearchParams({ search: words, limit: AT_MOST })}`);
      if (this.asked !== asked) return [];
      this.words = words;
      this.#show(items);
      this.told(items.length ? "" : `Aucune licence de votre catalogue ne correspond à « ${words} ».`);
      return items;
    } catch (problem) {
      if (!(problem instanceof NoAnswer || problem instanceof Refused)) throw problem;
      if (this.asked === asked) this.told(problem.message);
      return [];
    }
  }

  #pressed(event) {
    if (!this.products.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.#activate((this.active + step + this.products.length) % this.products.length);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    }
  }

  #show(products) {
    this.products = products;
    this.list.replaceChildren(
      ...products.map((product, place) => {
        const option = filled("t-found", {
          title: product.title,
          note: [product.publisher, product.ean].filter(Boolean).join(", "),
          price: euros(product.real_cost_cents),
        });
        option.id = `found-${place}`;
        return option;
      }),
    );
    this.list.hidden = !products.length;
    this.field.setAttribute("aria-expanded", String(products.length > 0));
    this.#activate(products.length ? 0 : -1);
  }

  #activate(place) {
    this.active = place;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === place)));
    if (place < 0) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", `found-${place}`);
    this.list.children[place].scrollIntoView({ block: "nearest" });
  }
}
