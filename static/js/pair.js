/* Two completions: A, B, a tie, or both bad; one button and key each, over the places of ranking.js. */
(function () {
"use strict";
const { $$ } = window.duologue;
const ANSWERS = { a: [1, 2], b: [2, 1], e: [1, 1], w: [0, 0] };

duologue.widget(".answer-pair", (group) => {
  const main = group.closest("main"), buttons = $$("[data-answer]", group), places = $$("[data-card] input[type=number]", main);
  const reasons = $$("input[name=not_rankable]", main), bad = reasons[0];

  function answer(key) {
    main.place(ANSWERS[key]);
    reasons.forEach((reason) => { reason.checked = key === "w" && reason === bad; });
    bad.dispatchEvent(new Event("change", { bubbles: true }));
    draw();
  }
  function draw() {
    buttons.forEach(({ dataset }, at) => {
      const chosen = ANSWERS[dataset.answer].every((place, i) => place === Number(places[i].value));
      buttons[at].setAttribute("aria-pressed", chosen && (dataset.answer !== "w" || bad.checked));
    });
  }
  main.classList.add("pair");
  main.addEventListener("ranking:drawn", draw);
  buttons.forEach((button) => { button.removeAttribute("data-late"); button.addEventListener("click", () => answer(button.dataset.answer)); });
  draw();
});
})();
