/* Ctrl Enter sends a question or an answer. */
window.duologue.keys((event) => {
  const form = event.target.closest && event.target.closest("form[data-by-keys]");
  if (!form || !window.duologue.sends(event)) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.primary"));
});
