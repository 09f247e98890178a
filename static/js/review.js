/* Keys of the reviewers' pages: each presses what carries its letter in `data-key`. While a menu is open, only what is
   in it: words that somebody begins to type there decide nothing on the page behind it. */
(function () {
"use strict";
const { $, $$, keys, typing, singleKeys, sends } = window.duologue;

const press = (element) => {
  if (element.matches("summary")) {
    element.parentElement.open = true;
    $("button", element.parentElement).focus();
  } else if (element.matches("textarea")) element.focus();
  else element.click();
};

/* The card in which words are selected, or where the focus is. */
const near = (main) => {
  const chosen = getSelection(), node = chosen.isCollapsed ? document.activeElement : chosen.anchorNode;
  const one = node && (node.closest ? node : node.parentElement);
  const card = one && one.closest("[data-card]");
  return card && main.contains(card) ? card : null;
};

const step = (main, by) => {
  const cards = $$("[data-card]", main), at = cards.indexOf(near(main));
  const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : at + by];
  if (next) { getSelection().removeAllRanges(); next.focus(); }
  return cards.length > 0;
};

/* How high the bar at the foot is: what sticks to the edge of a phone stands above it. */
const foot = new ResizeObserver(([one]) => document.documentElement.style.setProperty("--foot", `${one.target.offsetHeight}px`));
const watch = () => { foot.disconnect(); const bar = $(".bench > .actions"); if (bar) foot.observe(bar); };
document.addEventListener("htmx:afterSettle", watch);
watch();

keys((event) => {
  const main = $("[data-review]");
  if (!main || event.repeat) return;
  const menu = $("details[data-pop][open]", main);
  if (sends(event) && menu) {
    event.preventDefault();
    $("[data-send]", menu).click();
    return;
  }
  if (event.key === "Escape" && typing(event.target) && !menu) { event.target.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target) || !singleKeys()) return;
  const key = event.key.toLowerCase();
  if (!/^[a-z1-9]$/.test(key)) return;
  if (!menu && (key === "j" || key === "k") && step(main, key === "j" ? 1 : -1)) { event.preventDefault(); return; }
  const bearers = (menu ? [menu] : [near(main), main].filter(Boolean)).flatMap((root) => $$(`[data-key="${key}"]`, root));
  const bearer = bearers.find((one) => one.checkVisibility ? one.checkVisibility() : one.offsetParent);
  if (!bearer) return;
  event.preventDefault();
  press(bearer);
});
})();
