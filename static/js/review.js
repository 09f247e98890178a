/* Keys of the reviewers' pages: each presses what carries its letter in `data-key`, first in an open menu. */
(function () {
"use strict";
const { $, $$, typing, singleKeys, composing } = window.duologue;

const press = (element) => {
  if (element.matches("summary")) {
    element.parentElement.open = true;
    $("button", element.parentElement).focus();
  } else if (element.matches("textarea")) element.focus();
  else element.click();
};

document.addEventListener("keydown", (event) => {
  const main = $("[data-review]");
  if (!main || composing(event) || event.repeat || $("dialog[open]")) return;
  const menu = $("details[data-pop][open]", main);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && menu) {
    event.preventDefault();
    $("[data-send]", menu).click();
    return;
  }
  if (event.key === "Escape" && typing(event.target) && !menu) { event.target.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target) || !singleKeys()) return;
  const key = event.key.toLowerCase();
  if (!/^[a-z1-9]$/.test(key)) return;
  const bearers = [menu, main].filter(Boolean).flatMap((root) => $$(`[data-key="${key}"]`, root));
  const bearer = bearers.find((one) => one.checkVisibility ? one.checkVisibility() : one.offsetParent);
  if (!bearer) return;
  event.preventDefault();
  press(bearer);
});
})();
