// Says under a field what its number means while it is typed: <input data-typed="iban" data-typed-url="..."> and an
// <output for="its id">. Without a script the same is said when the form is sent.

for (const input of document.querySelectorAll("input[data-typed]")) {
  const output = document.querySelector(`output[for="${input.id}"]`);
  let waiting;
  let latest = 0;

  const tell = async () => {
    const mine = ++latest;
    const typed = input.value.trim();
    if (typed.length < Number(input.dataset.typedFrom)) return say("", "");
    const body = new FormData();
    body.set("csrf_token", input.form.elements.csrf_token.value);
    body.set("field", input.dataset.typed);
    body.set("typed", typed);
    try {
      const answer = await fetch(input.dataset.typedUrl, { method: "POST", body, credentials: "same-origin" });
      if (!answer.ok || mine !== latest) return;
      const reading = await answer.json();
      say(reading.sentence, reading.good ? "good" : "bad");
      for (const known of ["name", "town"]) {
        const field = input.form.elements[known];
        if (reading[known] && field && !field.value) field.value = reading[known];
      }
    } catch {
      say("", "");
    }
  };

  const say = (sentence, verdict) => {
    output.textContent = sentence;
    output.className = verdict ? `typed typed-${verdict}` : "typed";
    if (verdict) forget();
  };

  // What was wrong when the form was sent speaks of another value by now.
  const forget = () => {
    input.closest(".field").classList.remove("has-error");
    input.removeAttribute("aria-invalid");
    document.getElementById(`${input.id}-error`)?.remove();
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(tell, 300);
  });
  if (input.value) tell();
}
