// The one clear screen after a sale: debited, left, usable until; or why nothing was; or that nobody knows yet.

import { button, figure, filled, link, sure } from "./page.js";
import { day, euros } from "./french.js";
import { NoAnswer, post } from "./service.js";

// The sale was made. `balances` are what is left by benefit; `next()` and `cancel()` are called when the clerk goes on to
// the next student, or takes the sale back.
export function accepted({ who, sale, balances }, salesUrl, { next, cancel }) {
  const page = `${salesUrl}/${sale.sale_id}`;
  const verdict = made("verdict-accepted", {
    who,
    figures: [figure("Débité", euros(sale.debited_cents)), ...left(balances), figure("Utilisable jusqu’au", day(sale.usable_until))],
    text: "Dites-le à l’élève, puis scannez la carte suivante.",
    actions: [
      button("Élève suivant", "button button-next", next),
      link("Reçu à imprimer", `${page}/recu`, "button button-quiet"),
      button("Reçu par courriel", "button button-quiet", (event) => mail(event.target, page, say)),
      button("Annuler la vente", "button button-quiet", async ({ target }) => {
        const question = `Annuler cette vente de ${euros(sale.debited_cents)} ? L’élève est recrédité aussitôt.`;
        if (!(await sure(question, "Annuler la vente"))) return;
        target.disabled = true;
        cancel();
      }),
    ],
    said: true,
  });
  verdict.querySelector("a").target = "_blank";
  const say = (sentence) => (verdict.querySelector(".verdict-said").textContent = sentence);
  return verdict;
}

export function cancelled(who, answer, balances) {
  return made("verdict-cancelled", {
    who,
    title: "Vente annulée",
    figures: [figure("Rendu", euros(answer.refunded_cents)), ...left(balances)],
    text: answer.lapsed_cents
      ? `La date limite est passée : ${euros(answer.lapsed_cents)} ne peuvent plus être utilisés.`
      : "L’élève peut de nouveau utiliser ce montant.",
  });
}

const left = (balances) =>
  balances.map((one) => figure(balances.length > 1 ? `Reste, ${one.label.toLowerCase()}` : "Reste", euros(one.balance_cents)));

// Nothing was debited, and the service says why.
export function refused(who, refusal, actions = []) {
  const balance = refusal.problem?.balance_cents;
  return made("verdict-refused", {
    who,
    title: refusal.message,
    figures: Number.isInteger(balance) ? [figure("Débité", euros(0)), figure("Solde", euros(balance))] : null,
    text: "Rien n’a été débité.",
    actions: actions.length ? actions : null,
    help: true,
  });
}

// No answer: the sale is kept and sent again with its key.
export function waiting(who, { kind, amount }) {
  const what = kind === "sale" ? "débités" : "rendus";
  return made("verdict-waiting", {
    who,
    title: "En attente de réponse",
    text: `On ne sait pas encore si ${euros(amount)} ont été ${what}. La caisse garde la demande et la renvoie d’elle-même : ne la refaites pas, et ne donnez pas la licence avant la réponse.`,
    help: true,
  });
}

// The service could not be asked at all: nothing was on its way.
export function unreachable(sentence) {
  return made("verdict-refused", { title: sentence, text: "Rien n’a été débité pour cet élève. Réessayez dans un instant.", help: true });
}

function made(kind, slots) {
  const verdict = filled("t-verdict", slots);
  verdict.classList.add(kind);
  return verdict;
}

async function mail(pressed, page, say) {
  pressed.disabled = true;
  say("Envoi du reçu…");
  try {
    const { sentence } = await post(`${page}/courriel`);
    say(sentence);
  } catch (problem) {
    if (!(problem instanceof NoAnswer)) throw problem;
    say(problem.message);
    pressed.disabled = false;
  }
}
