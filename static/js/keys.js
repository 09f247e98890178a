/* The list of keys, and whether single ones count. Fetched when it is opened. */
(function () {
"use strict";
const { $, singleKeys } = window.duologue;

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-single-keys]")) localStorage.setItem("duologue:single-keys", event.target.checked ? "on" : "off");
});
duologue.openKeys = async () => {
  const keys = $("#keys"), from = ($("[data-keys]") || {}).dataset;
  if (!keys || keys.open) return;
  if (from && keys.dataset.of !== from.keys) { await htmx.ajax("GET", from.keys, "#keys"); keys.dataset.of = from.keys; }
  const box = $("[data-single-keys]", keys);
  if (box) box.checked = singleKeys();
  keys.showModal();
};
})();
