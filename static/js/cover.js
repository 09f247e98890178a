/* Covered texts: Z reveals the one at hand, what was revealed stays so while the page is open, and a covered answer
 gets no place. */
(function () {
"use strict";
const { $, $$, asks, keys, typing, singleKeys, notice } = window.duologue;
const revealed = new Set();
const covered = (root) => $(".reveal:not(:checked)", root);

function reveal(box) {
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  box.focus({ preventScroll: true });
}
const inView = (box) => { const { top, bottom } = box.closest(".covered").getBoundingClientRect(); return bottom > 0 && top < innerHeight; };
function atHand(target, dialog) {
  const here = (target.closest && target.closest("[data-card], .turn, .suggestion")) || $("[data-card][data-current]");
  const open = $$(".reveal:not(:checked)", dialog || document);
  return (here && !dialog && covered(here)) || open.find(inView) || open[0];
}

duologue.widget(".reveal", (box) => {
  if (box.checked) revealed.add(box.value);
  else if (revealed.has(box.value)) box.checked = true;
  box.addEventListener("change", () => {
    if (box.checked) revealed.add(box.value); else revealed.delete(box.value);
    $$(".reveal").forEach((other) => { if (other.value === box.value) other.checked = box.checked; });
    if (box.checked) notice("covered", "");
  });
});

/* in the field that holds the place, before whoever draws it reads it */
document.addEventListener("change", (event) => {
  const field = event.target, card = field.matches("[name^=place-]") && field.value && field.closest("[data-card]");
  if (!card || !covered(card)) return;
  const proposed = $("[data-proposed]", card);
  field.value = "";
  if (proposed.value) { proposed.value = ""; return; }
  notice("covered", gettext("Show the text of %s before you give it a place.").replace("%s", card.dataset.letter), "warn");
}, true);

keys((event, dialog) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const alone = !event.altKey && event.key.toLowerCase() === "z" && !typing(event.target) && singleKeys();
  if (!alone && !asks(event, "Z")) return;
  const box = atHand(event.target, dialog);
  if (!box) return;
  event.preventDefault();
  reveal(box);
}, true);
})();
