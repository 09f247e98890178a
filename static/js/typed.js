/* What was typed into a page's forms outlives a change of its language or colours, which load the page again.
   Passwords, codes and files are never kept. */
(function () {
"use strict";
const KEY = "typed", SECRET = "[type=hidden], [type=password], [type=file], [type=submit], [autocomplete=one-time-code]";
const page = location.pathname + location.search;
const fields = () => [...document.querySelectorAll("main form:not(.themes) :is(input, textarea, select)")]
  .filter((field) => field.name && !field.matches(SECRET));
const options = (field) => field.multiple && field.options && [...field.options];

function said(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked;
  return options(field) ? options(field).map((option) => option.selected) : field.value;
}

function say(field, value) {
  if (JSON.stringify(said(field)) === JSON.stringify(value)) return;
  if (typeof value === "boolean") field.checked = value;
  else if (options(field)) options(field).forEach((option, place) => { option.selected = value[place]; });
  else field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !(form.matches(".themes") || form.querySelector(".themes"))) return;
  sessionStorage.setItem(KEY, JSON.stringify({ page, typed: fields().map((field) => [field.name, said(field)]) }));
});

const kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
sessionStorage.removeItem(KEY);
if (kept && kept.page === page) {
  const now = fields();
  kept.typed.forEach(([name, value], place) => { if (now[place] && now[place].name === name) say(now[place], value); });
}
})();
