/* The page on which something is agreed to before the next task: Ctrl Enter is its button. A key held down since the
 page before does not count. */
(function () {
"use strict";
document.addEventListener("keydown", (event) => {
  if (!window.duologue.sends(event) || event.repeat || window.duologue.composing(event)) return;
  event.preventDefault();
  document.querySelector("form[data-agree]").requestSubmit();
});
})();
