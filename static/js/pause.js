/* A pause: the page is covered, nothing is counted, the task is kept as a lease without a sign of life is. One click or
 key goes on. */
(function () {
"use strict";
const { $, notice, post, composing } = window.duologue;
const active = duologue.active, dialog = document.createElement("dialog");
duologue.active = () => !dialog.open && active();
dialog.className = "pause";
dialog.setAttribute("aria-labelledby", "pause-title");
dialog.innerHTML = '<div class="dialog-body"><h2 id="pause-title" tabindex="-1"></h2><p></p><div class="row"><button type="button" class="button primary" autofocus></button></div></div>';
$("h2", dialog).textContent = gettext("Paused");
$("p", dialog).textContent = gettext("Take your time: it is not counted. What you wrote is kept. If you stay away for long, the task may go to somebody else, and that is not a skip.");
$("button", dialog).textContent = gettext("Go on");
document.body.append(dialog);

function pause() {
  if (dialog.open || $("#login[open]")) return;
  const form = $("form[data-draft]");
  if (form && form.autosave) form.autosave.save();
  dialog.showModal();
}
async function goOn() {
  const form = $("form[data-heartbeat]");
  if (!form) return;
  try {
    const { status, data } = await post(form.dataset.heartbeat, [["seconds", 0]]);
    if (status >= 400) notice("lease", data.error || gettext("This task is not held for you any more. What you wrote is kept."), "warn");
  } catch { /* no network: the next sign of life says so */ }
}
dialog.addEventListener("close", goOn);
dialog.addEventListener("click", (event) => { if (event.target.closest("button")) dialog.close(); });
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.code !== "KeyP" || event.ctrlKey || event.metaKey || composing(event)) return;
  event.preventDefault();
  if (dialog.open) dialog.close(); else pause();
});
duologue.widget(".bench-head [data-open-keys]", (keys) => {
  const button = document.createElement("button");
  button.type = "button"; button.className = "button quiet small"; button.textContent = gettext("Pause");
  button.title = "Alt P"; button.setAttribute("aria-keyshortcuts", "Alt+P");
  button.addEventListener("click", pause);
  keys.after(button);
});
})();
