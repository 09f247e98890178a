/* Signing in again in place: a dialog over the page whose session has ended. Loaded then (js/page.js). */
(function () {
"use strict";
const { $, $$ } = window.duologue, { home, login, session, user } = document.body.dataset;
const dialog = $("#login"), form = $("form", dialog);
let signedIn = null;

dialog.addEventListener("cancel", (event) => event.preventDefault());
$("input[name=login]", form).defaultValue = user;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const errors = $("[data-login-errors]", form);
  errors.textContent = "";
  try {
    const response = await fetch(login, {
      method: "POST", credentials: "same-origin", body: new URLSearchParams(new FormData(form)),
      headers: { "X-CSRFToken": duologue.token(), "X-Requested-With": "XMLHttpRequest", Accept: "application/json" },
    });
    const data = await response.json().catch(() => ({}));
    if (response.ok) { form.reset(); await signedIn(); return; }
    const fields = Object.values((data.form || {}).fields || {}).flatMap((field) => field.errors || []);
    errors.textContent = ((data.form || {}).errors || []).concat(fields).join(" ") || gettext("That did not work. Try again.");
  } catch (error) {
    errors.textContent = gettext("The server cannot be reached just now. Try again in a moment.");
  }
});

/* Resolves once the same person is signed in, in this tab or another; somebody else gets their own home. */
duologue.askAgain = () => {
  const opener = document.activeElement;
  return new Promise((resolve) => {
    signedIn = async () => {
      const answer = await fetch(session, { headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok) return;
      if ((await answer.json()).user !== user) { location.assign(home); return; }
      $$("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = duologue.token(); });
      clearInterval(timer);
      dialog.close();
      if (opener && opener.isConnected) opener.focus();
      resolve();
    };
    const timer = setInterval(() => { if (document.visibilityState === "visible") signedIn().catch(() => {}); }, 5000);
    if (!dialog.open) dialog.showModal();
    $("input[type=password]", dialog).focus();
  });
};
})();
