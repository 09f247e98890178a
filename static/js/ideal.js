/* The ideal answer may begin as a completion: its text goes into the editor, and the choice says where it is from. */
(function () {
"use strict";
const { $, $$ } = window.duologue;

duologue.widget("[data-ideal]", (field) => {
  const from = $("select", field), text = $("textarea", field), state = $("[data-ideal-state]", field), best = $("[data-from-best]", field);
  const main = field.closest("main"), cards = () => $$("[data-card]", main);
  const source = (letter) => ($(`#card-${letter} .source`, main) || { textContent: "" }).textContent;
  const place = (card) => Number($("input[type=number]", card).value) || 99;
  let before = from.value;

  const tell = () => { state.textContent = !from.value || !text.value.trim() ? "" : text.value.trim() === source(from.value).trim() ? gettext("not changed yet") : gettext("edited"); };
  function begin(letter) {
    const own = text.value.trim() && text.value.trim() !== source(before).trim();
    if (letter && own && !confirm(gettext("Replace what you have written?"))) { from.value = before; return; }
    from.value = before = letter;
    if (letter) text.value = source(letter);
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.rows = Math.min(14, Math.max(3, text.value.split("\n").length + Math.ceil(text.value.length / 90)));
    if (letter) { text.focus(); text.setSelectionRange(0, 0); }
  }
  from.addEventListener("change", () => begin(from.value));
  [field, best].forEach((part) => part.removeAttribute("data-late"));
  best.addEventListener("click", () => begin([...cards()].sort((a, b) => place(a) - place(b))[0].dataset.letter));
  text.addEventListener("input", tell);
  field.addEventListener("draft:restored", tell);
  tell();
  if (from.value && !text.value.trim()) begin(from.value); // chosen while this script was on its way
});
})();
