/* A pause: the page is covered, nothing is counted, and the task is kept as long as it is without a sign of life. One
 click or key goes on. Fetched with the first pause, which begins at once. */
(function () {
"use strict";
const { $, notice, post } = window.duologue;
const active = duologue.active, dialog = document.createElement("dialog"), style = new CSSStyleSheet();
duologue.active = () => !dialog.open && active();
style.replaceSync(".pause::backdrop { background: var(--paper); }"); // nothing of the task is to be seen
document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];
dialog.className = "pause";
dialog.setAttribute("aria-labelledby", "pause-title");
dialog.innerHTML = '<div class="dialog-body"><h2 id="pause-title"></h2><p></p><div class="row"><button type="button" class="button primary" autofocus></button></div></div>';
$("h2", dialog).textContent = gettext("Paused");
$("p", dialog).textContent = gettext("Take your time: it is not counted. What you wrote is kept. If you stay away for long, the task may go to somebody else, and that is not a skip.");
$("button", dialog).textContent = gettext("Go on");
document.body.append(dialog);

duologue.pause = () => {
  if ($("#login[open]")) return;
  const form = $("form[data-draft]");
  if (form && form.autosave) form.autosave.save();
  dialog.showModal();
};
duologue.keys((event, over) => { if (over === dialog && duologue.asks(event, "P")) { event.preventDefault(); dialog.close(); } }, true);
dialog.addEventListener("click", (event) => { if (event.target.closest("button")) dialog.close(); });
dialog.addEventListener("close", async () => {
  const form = $("form[data-heartbeat]");
  if (!form) return;
  try {
    const { status, data } = await post(form.dataset.heartbeat, [["seconds", 0]]);
    if (status >= 400) notice("lease", data.error || gettext("This task is not held for you any more. What you wrote is kept."), "warn");
  } catch { /* no network: the next sign of life says so */ }
});
duologue.pause();
})();
