// A keyboard-wedge scanner types faster than anybody, wherever the focus happens to be. What it types into another field
// or onto a button is caught here: the field gets its old value back, and the scanner's return presses nothing.

const FASTEST_PERSON_MS = 80;
const SHORTEST = 8;

// `scanned(text)` is told what was scanned while the focus was outside `field`.
export function catchScans(field, scanned) {
  let burst = null;
  const forget = () => (burst = null);
  addEventListener("pointerdown", forget, true);
  addEventListener(
    "keydown",
    (event) => {
      const target = document.activeElement;
      if (target === field || event.ctrlKey || event.metaKey || event.altKey) return forget();
      const isOn = burst && burst.target === target && event.timeStamp - burst.at < FASTEST_PERSON_MS;
      if (event.key === "Enter") {
        if (!isOn || burst.text.length < SHORTEST) return forget();
        event.preventDefault();
        event.stopImmediatePropagation();
        const { text, before } = burst;
        forget();
        if (before !== undefined) {
          target.value = before;
          target.dispatchEvent(new Event("input", { bubbles: true }));
        }
        scanned(text);
      } else if (event.key.length === 1) {
        if (!isOn) burst = { target, text: "", before: target.value };
        burst.text += event.key;
        burst.at = event.timeStamp;
      }
    },
    true,
  );
}
