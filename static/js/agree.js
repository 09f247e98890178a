/* The page on which something is agreed to before the next task: Ctrl Enter is its button. A key held down since the
 page before does not count. */
window.duologue.keys((event) => {
  if (!window.duologue.sends(event)) return;
  event.preventDefault();
  document.querySelector("form[data-agree]").requestSubmit();
});
