/* The manager's site: buttons that copy a text. Everything else works without scripts. */
(function () {
"use strict";
const copy = async (text) => {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea");
  area.value = text; area.className = "sr";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.dataset.label || (button.dataset.label = button.textContent);
  button.textContent = (await copy(button.dataset.copy)) ? gettext("Copied") : gettext("Not copied");
  button.focus();
  setTimeout(() => { button.textContent = label; }, 2000);
});
})();
