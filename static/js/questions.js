/* Ctrl Enter sends a question or an answer. */
document.addEventListener("keydown", (event) => {
  const form = event.target.closest && event.target.closest("form[data-by-keys]");
  if (!form || !window.duologue.sends(event) || window.duologue.composing(event)) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.primary"));
});
