// The till in the browser: a scan, the licences, Enter. What debits goes through `Intents`, so it happens once, and
// nothing is called debited without the service's answer.

import { Basket } from "./basket.js";
import { cameraPanel, cardsOnPicture } from "./camera.js";
import { looksLikeACard, looksLikeANumber, readCard, readEan, Unreadable } from "./codes.js";
import { called, clock, day, euros, unbroken } from "./french.js";
import { Intents } from "./intents.js";
import { badge, button, byId, filled, link, sure } from "./page.js";
import { catchScans } from "./scanner.js";
import { Search } from "./search.js";
import { ask, NoAnswer, Refused } from "./service.js";
import * as verdicts from "./verdict.js";

const place = byId("till").dataset;
const field = byId("code");
// A scanner may end with two returns; only a return that a person presses debits.
const PERSON_MS = 700;

let student = null; // the look-up's answer
let asking = 0; // counts look-ups: the latest scan wins
let current = null; // key of the sale whose verdict is on the screen
let told = null; // key of the sale whose lack of an answer is on the screen
let quietSince = 0;
const people = new Map(); // key -> who it is for, their benefits, and its line of the log; forgotten with the page

const basket = new Basket(byId("lines"), showBasket);
const intents = new Intents(place.partner, { changed: showNetwork, answered: settle });
const search = new Search(field, byId("found"), { chosen: take, told: say });

// -- the scan field ---------------------------------------------------------------------------------------------------

byId("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  read(field.value);
});

async function read(typed) {
  const taken = search.current;
  const wasQuiet = Date.now() - quietSince > PERSON_MS;
  quietSince = Date.now();
  field.value = "";
  search.close();
  if (!typed.trim()) return wasQuiet && debit();
  say("");
  try {
    if (taken) return take(taken);
    if (looksLikeANumber(typed) && !looksLikeACard(typed)) return await takeByEan(readEan(typed));
    if (!looksLikeACard(typed)) return await takeByWords(typed.trim());
    const { text, layoutWrong } = readCard(typed);
    await lookUp(text);
    if (layoutWrong) say("La douchette est réglée pour un autre clavier : le code a été corrigé. Pensez à la régler en AZERTY.");
  } catch (problem) {
    if (problem instanceof Unreadable || problem instanceof NoAnswer || problem instanceof Refused) say(problem.message);
    else throw problem;
  }
}

async function takeByEan(ean) {
  const product = await search.byEan(ean);
  if (product) take(product);
  else say(`Aucune licence de votre catalogue n’a le numéro ${ean}.`);
}

async function takeByWords(words) {
  const found = await search.find(words);
  if (found.length === 1) take(found[0]);
  else if (found.length) field.value = words;
}

function take(product) {
  search.close();
  field.value = "";
  say(basket.add(product) ? `« ${product.title} » ajouté.` : `« ${product.title} » est déjà dans la liste.`);
  // The list is in view again, whatever the screen told of the sale before.
  if (byId("verdict").childElementCount && !isSending()) show({ student });
  settleDown();
}

function say(sentence) {
  byId("said").textContent = unbroken(sentence);
}

// Ready for the next scan; on a telephone without opening its keyboard at each step, and with what matters in view.
function settleDown() {
  if (matchMedia("(pointer: fine)").matches) return field.focus();
  (byId("verdict").firstElementChild ?? byId("student")).scrollIntoView({ block: "nearest" });
}

catchScans(field, (text) => document.querySelector("dialog[open]") ?? read(text));

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return leave();
  const isSign = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isSign && document.activeElement === document.body) field.focus();
});

// -- the student ------------------------------------------------------------------------------------------------------

async function lookUp(code) {
  if (isSending()) return say("Attendez la réponse avant de scanner l’élève suivant.");
  const turn = ++asking;
  const left = student && !basket.isEmpty && called(student.student);
  show({ student: null });
  say("Lecture de la carte…");
  try {
    const found = await ask("POST", "lookups", { body: { code } });
    if (turn !== asking) return;
    say(left && left !== called(found.student) ? `Vente de ${left} abandonnée : rien n’a été débité.` : "");
    show({ student: found });
  } catch (problem) {
    if (turn !== asking) return;
    if (problem instanceof Refused) show({ verdict: verdicts.refused("", problem) });
    else if (problem instanceof NoAnswer) show({ verdict: verdicts.unreachable(problem.message) });
    else throw problem;
    say("");
  }
}

byId("leave").addEventListener("click", leave);

function leave() {
  if (isSending()) return;
  asking += 1;
  search.close();
  field.value = "";
  say(student && !basket.isEmpty ? "Vente abandonnée : rien n’a été débité." : "");
  if (!basket.keeps) basket.clear();
  show({ student: null });
}

// -- the sale ---------------------------------------------------------------------------------------------------------

byId("debit").addEventListener("click", debit);

function debit() {
  if (!student || basket.isEmpty || isSending()) return;
  const why = basket.obstacle(student.benefits);
  if (why) return say(why);
  const amount = basket.total;
  const body = { lookup_token: student.lookup_token, lines: basket.asked };
  const who = `${called(student.student)}, ${student.student.class_name}`;
  say("");
  const intent = intents.add("sales", body, { kind: "sale", amount });
  current = intent.key;
  people.set(intent.key, { who, benefits: student.benefits, line: intent.key });
  log(intent.key, { who, what: euros(amount), state: badge("En cours", "info") });
  showBasket();
}

const isSending = () => intents.list.some((intent) => intent.key === current) && !intents.trouble;

// The service has answered: `answer` or `refusal`.
async function settle(intent, answer, refusal) {
  const isSale = intent.about.kind === "sale";
  const line = people.get(intent.key)?.line ?? intent.key;
  const isShown = () => current === intent.key || (!student && !current);
  if (refusal) {
    const who = people.get(intent.key)?.who ?? "Vente gardée";
    log(line, { who, what: euros(intent.about.amount), state: badge(isSale ? "Refusée" : "Non annulée", "danger") });
    if (isShown()) show({ verdict: verdicts.refused(who, refusal, afterRefusal()), keepsBasket: true });
    return;
  }
  if (isSale && current === intent.key && !basket.keeps) basket.clear();
  const { who, benefits } = people.get(intent.key) ?? (await buyer(answer.sale_id));
  const label = (code) => benefits.find((one) => one.benefit === code)?.label ?? code;
  const balances = answer.balances.map((one) => ({ ...one, label: label(one.benefit) }));
  if (isSale) {
    const what = `${euros(answer.debited_cents)}, reste ${balances.map((one) => euros(one.balance_cents)).join(" et ")}`;
    log(line, { who, what, state: link("Débitée", `${place.salesUrl}/${answer.sale_id}`, "badge badge-success") });
    const ways = { next: leave, cancel: () => cancel(answer, { who, benefits, line: intent.key }) };
    if (isShown()) show({ verdict: verdicts.accepted({ who, sale: answer, balances }, place.salesUrl, ways) });
  } else {
    log(line, { who, what: euros(answer.refunded_cents), state: badge("Annulée", "neutral") });
    if (isShown()) show({ verdict: verdicts.cancelled(who, answer, balances) });
  }
}

// Whose sale it was, asked again once the page has forgotten it.
async function buyer(saleId) {
  try {
    const sale = await ask("GET", `sales/${saleId}`);
    return { who: `${called(sale.student)}, ${sale.student.class_name}`, benefits: sale.balances };
  } catch {
    return { who: "Vente gardée", benefits: [] };
  }
}

const afterRefusal = () => (student ? [button("Corriger la vente", "button button-quiet", () => show({ student }))] : []);

function cancel(sale, person) {
  const path = `sales/${sale.sale_id}/cancellations`;
  const intent = intents.add(path, { reason: "Annulée à la caisse" }, { kind: "cancellation", amount: sale.debited_cents });
  current = intent.key;
  people.set(intent.key, person);
  log(person.line, { who: person.who, what: euros(sale.debited_cents), state: badge("Annulation en cours", "info") });
}

// -- what is on the screen --------------------------------------------------------------------------------------------

// Either a verdict, or a student, or the invitation to scan.
function show({ student: found, verdict, keepsBasket = false }) {
  if (verdict === undefined) student = found;
  else if (!keepsBasket) student = null;
  if (verdict === undefined) current = null;
  told = null;
  byId("verdict").replaceChildren(...(verdict ? [verdict] : []));
  byId("idle").hidden = Boolean(verdict || student);
  byId("student").hidden = Boolean(verdict) || !student;
  if (student && !verdict) {
    byId("student-name").textContent = called(student.student);
    byId("student-class").textContent = student.student.class_name;
  }
  showBasket();
  settleDown();
}

function showBasket() {
  const isVerdict = byId("verdict").childElementCount > 0;
  const sending = isSending();
  byId("basket").hidden = basket.isEmpty || isVerdict;
  byId("total").textContent = euros(basket.total);
  byId("keep").checked = basket.keeps;
  const why = student ? basket.obstacle(student.benefits) : "Scannez la carte de l’élève.";
  byId("why").textContent = basket.isEmpty ? "" : unbroken(why);
  const debit = byId("debit");
  debit.disabled = Boolean(why) || sending;
  debit.textContent = sending ? "Débit en cours…" : `Débiter ${euros(basket.total)}`;
  byId("lines").inert = sending;
  if (student) byId("benefits").replaceChildren(...student.benefits.map(benefitLine));
}

function benefitLine(benefit) {
  const asked = basket.byBenefit.get(benefit.benefit) ?? 0;
  const rest = benefit.available_cents - asked;
  const until = `à utiliser jusqu’au ${day(benefit.usable_until)}`;
  const note = !asked ? until : rest < 0 ? `il manque ${euros(-rest)}` : `${euros(rest)} après cette vente, ${until}`;
  const line = filled("t-benefit", { label: benefit.label, left: euros(benefit.available_cents), note });
  line.classList.toggle("is-short", rest < 0);
  return line;
}

byId("keep").addEventListener("change", (event) => {
  basket.keep(event.target.checked);
  settleDown();
});

// One line per sale of this page, the newest above.
function log(key, { who, what, state }) {
  const line = filled("t-log", { when: clock(new Date()), who, what, state });
  line.id = `log-${key}`;
  const known = byId(line.id);
  if (known) known.replaceWith(line);
  else byId("log").prepend(line);
  byId("side-empty").hidden = true;
}

// -- the network ------------------------------------------------------------------------------------------------------

function showNetwork() {
  const { trouble, list } = intents;
  const isOff = !navigator.onLine;
  byId("network").hidden = !isOff && !trouble;
  const [title, text] = byId("network").querySelectorAll("[data-slot]");
  title.textContent = isOff ? "Hors connexion." : (trouble?.message ?? "");
  const sentence = list.length
    ? `${list.length > 1 ? `${list.length} demandes attendent` : "Une demande attend"} une réponse (${euros(list.reduce((sum, one) => sum + one.about.amount, 0))}) : rien n’est confirmé. ${trouble?.reference ? `Référence : ${trouble.reference}.` : ""}`
    : "Aucune vente n’est possible pour l’instant ; rien n’a été débité.";
  text.textContent = unbroken(sentence);
  byId("retry").hidden = !list.length || trouble?.signedOut || trouble?.stale;
  byId("sign-in").hidden = !trouble?.signedOut;
  byId("reload").hidden = !trouble?.stale;
  for (const intent of list) {
    const { who, line } = people.get(intent.key) ?? { who: "Demande gardée", line: intent.key };
    const state = trouble ? waitingState(intent, who) : badge("En cours", "info");
    log(line, { who, what: euros(intent.about.amount), state });
    if (trouble && intent.key === current && told !== intent.key) {
      show({ verdict: verdicts.waiting(who, intent.about) });
      told = intent.key;
    }
  }
  showBasket();
}

function waitingState(intent, who) {
  const state = document.createElement("span");
  state.append(badge("En attente", "warning"), " ");
  if (intents.tries > 3) {
    state.append(
      button("Ne plus renvoyer", "link small", async () => {
        if (await sure("Cette demande a peut-être été enregistrée. Vérifiez la liste des ventes avant de la refaire. Ne plus la renvoyer ?", "Ne plus renvoyer")) {
          intents.drop(intent);
          log(intent.key, { who, what: euros(intent.about.amount), state: badge("Sort inconnu : à vérifier", "danger") });
        }
      }),
    );
  }
  return state;
}

byId("retry").addEventListener("click", () => intents.sendAll());
byId("reload").addEventListener("click", () => location.reload());
byId("sign-in").href = place.signInUrl;
addEventListener("online", showNetwork);
addEventListener("offline", showNetwork);

// -- camera and pictures ----------------------------------------------------------------------------------------------

cameraPanel(place.frameUrl, read, { closed: settleDown });

byId("picture").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  say("Lecture de la photo…");
  try {
    const [text] = await cardsOnPicture(file, place.pictureUrl);
    if (text) await lookUp(text);
    else say("Aucune carte n’a été trouvée sur cette photo : reprenez-la de plus près, bien à plat.");
  } catch (problem) {
    if (!(problem instanceof NoAnswer)) throw problem;
    say(problem.message);
  }
});

// ---------------------------------------------------------------------------------------------------------------------

show({ student: null });
if (intents.list.length) intents.sendAll();
else showNetwork();
