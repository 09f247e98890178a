/* Code is copied as it is; a formula that scrolls sideways can be reached and scrolled by keys. */
(function () {
"use strict";
const { $, widget } = window.duologue;
const copied = async (text) => {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea"), back = document.activeElement;
  area.value = text; area.className = "sr";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (back) back.focus();
  return done;
};
widget(".code", (block) => {
  const button = document.createElement("button");
  button.type = "button"; button.className = "code-copy"; button.textContent = gettext("Copy");
  button.setAttribute("aria-label", gettext("Copy the code"));
  button.addEventListener("click", async () => {
    button.textContent = (await copied($("code", block).textContent)) ? gettext("Copied") : gettext("Not copied");
    setTimeout(() => { button.textContent = gettext("Copy"); }, 2000);
  });
  block.append(button);
});
widget(".prose p, .tex-block", (part) => {
  if (part.scrollWidth <= part.clientWidth || !$("math", part)) return;
  part.tabIndex = 0; part.setAttribute("role", "group"); part.setAttribute("aria-label", gettext("Formula"));
});
})();
