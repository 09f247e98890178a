/* Marks on words of a completion. The hidden field of a card is the truth: a list of {start, end, category, comment}
 as JSON, whose places count characters of the text as the model wrote it. Words are chosen in a text field that
 refuses every change, so that arrows, Shift, touch and screen readers select in it as in any other. */
(function () {
"use strict";
const { $, $$ } = window.duologue;
const dialog = $("#marks"), area = $("#mark-text"), comment = $("#mark-comment");
const errors = $("[data-mark-errors]", dialog), done = $("[data-mark-done]", dialog);
const free = dialog && dialog.hasAttribute("data-free"); // a reviewer's: a comment is enough
let card = null, text = "";

const points = (string, at) => Array.from(string.slice(0, at)).length;
const units = (string, at) => Array.from(string).slice(0, at).join("").length;
const sourceOf = (one) => ($(".source", one) || { textContent: "" }).textContent;
const fieldOf = (one) => $("[data-spans]", one);
const marksOf = (one) => { try { return JSON.parse(fieldOf(one).value || "[]"); } catch { return []; } };
const words = (mark, whole) => Array.from(whole).slice(mark.start, mark.end).join("");
const shortened = (quote) => (quote.length > 90 ? quote.slice(0, 60) + " … " + quote.slice(-25) : quote);

/* Where `quote` stands in `string`, the n-th time: exactly, else with whatever Markdown puts between its words. */
function find(string, quote, n) {
  const token = /[\p{L}\p{N}]+/gu, escaped = (one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = quote.match(token) || [];
  for (const pattern of [escaped(quote), parts.length && parts.length < 300 ? parts.join("[^\\p{L}\\p{N}]+") : ""]) {
    const found = pattern ? [...string.matchAll(new RegExp(pattern, "gu"))] : [];
    if (found.length) { const one = found[Math.min(n, found.length - 1)]; return [one.index, one.index + one[0].length]; }
  }
  return null;
}

/* A range over the characters `start` to `end` of an element's text. */
function rangeIn(root, start, end) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), range = new Range();
  let at = 0, begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!begun && at + node.length > start) { range.setStart(node, start - at); begun = true; }
    if (begun && at + node.length >= end) { range.setEnd(node, end - at); return range; }
    at += node.length;
  }
  return null;
}

function highlight() {
  if (!window.Highlight || !CSS.highlights) return;
  const ranges = [];
  $$("[data-card]").forEach((one) => marksOf(one).forEach((mark) => {
    const whole = sourceOf(one), quote = words(mark, whole), start = units(whole, mark.start);
    const source = $(".source", one), prose = $(".prose", one), shown = prose && prose.textContent;
    if (source) ranges.push(rangeIn(source, start, start + quote.length));
    const place = prose && find(shown, quote, whole.slice(0, start).split(quote).length - 1);
    if (place) ranges.push(rangeIn(prose, ...place));
  }));
  CSS.highlights.set("marked", new Highlight(...ranges.filter(Boolean)));
}

function draw(one) {
  const whole = sourceOf(one);
  $("[data-mark-list]", one).replaceChildren(...marksOf(one).map((mark, at) => {
    const row = document.createElement("li"), tag = document.createElement("span"), quote = document.createElement("q");
    const remove = document.createElement("button");
    tag.className = "tag warn"; tag.textContent = mark.category; tag.hidden = !mark.category;
    quote.dir = "auto"; quote.textContent = shortened(words(mark, whole));
    remove.type = "button"; remove.className = "button quiet small"; remove.textContent = gettext("Remove");
    remove.setAttribute("aria-label", gettext("Remove the mark “%s”").replace("%s", shortened(words(mark, whole))));
    remove.addEventListener("click", () => { write(one, marksOf(one).filter((_, other) => other !== at)); $("[data-mark]", one).focus(); });
    row.append(tag, " ", quote, mark.comment ? ` ${mark.comment} ` : " ", remove);
    return row;
  }));
  highlight();
}

function write(one, marks) {
  const field = fieldOf(one);
  field.value = marks.length ? JSON.stringify(marks) : "";
  field.dispatchEvent(new Event("change", { bubbles: true }));
  draw(one);
}

/* What is selected on the card, as places of its text. */
function selected(one) {
  const selection = getSelection(), quote = selection.toString().trim();
  if (!quote || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0), root = [$(".source", one), $(".prose", one)].find((part) => part && part.contains(range.commonAncestorContainer));
  if (!root) return null;
  const lead = new Range();
  lead.setStart(root, 0); lead.setEnd(range.startContainer, range.startOffset);
  const before = lead.toString();
  if (root.matches(".source")) return [before.length, before.length + range.toString().length];
  return find(text, quote, before.split(quote).length - 1);
}

function open(one) {
  card = one; text = sourceOf(one);
  const place = selected(one) || [0, 0];
  area.value = text; area.lang = $(".prose", one).lang; area.dir = $(".prose", one).dir;
  $$("input[name=mark-category]", dialog).forEach((radio) => { if (free) radio.checked = false; });
  errors.textContent = done.textContent = comment.value = "";
  $("[data-mark-letter]", dialog).textContent = one.dataset.letter;
  dialog.showModal();
  area.focus();
  area.setSelectionRange(...place);
  if (free && place[1] > place[0]) comment.focus();
}

function mark() {
  const chosen = $("input[name=mark-category]:checked", dialog), { selectionStart: start, selectionEnd: end } = area;
  const quote = text.slice(start, end);
  const said = chosen || (free && comment.value.trim()), category = chosen ? chosen.value : "";
  errors.textContent = !quote.trim() ? gettext("Select some words first.") : !said ? gettext("Say what is wrong there.") : "";
  if (errors.textContent) { (!quote.trim() ? area : free ? comment : $("input[name=mark-category]", dialog)).focus(); return; }
  const made = { start: points(text, start), end: points(text, end), category, comment: comment.value.trim() };
  write(card, [...marksOf(card), made].sort((a, b) => a.start - b.start || a.end - b.end));
  done.textContent = (category ? gettext("Marked “%s” as {category}.") : gettext("Marked “%s”.")).replace("%s", shortened(quote)).replace("{category}", category);
  comment.value = "";
  if (free) { dialog.close(); return; }
  area.focus();
  area.setSelectionRange(end, end);
}

if (dialog) {
  area.addEventListener("beforeinput", (event) => event.preventDefault());
  area.addEventListener("input", () => { const at = area.selectionStart; area.value = text; area.setSelectionRange(at, at); }); // composed
  $("form", dialog).addEventListener("submit", (event) => { event.preventDefault(); mark(); });
  duologue.keys((event, open) => {
    if (open !== dialog) return;
    const prints = event.target === comment && event.key !== event.code.slice(-1); // Option of a Mac, AltGr
    const radio = event.altKey && !prints && /^Digit[1-9]$/.test(event.code) && $$("input[name=mark-category]", dialog)[Number(event.code.slice(-1)) - 1];
    if (radio) { event.preventDefault(); radio.checked = true; }
  }, true);
  dialog.addEventListener("close", () => { if (card && card.isConnected) $("[data-mark]", card).focus(); });
  duologue.widget("[data-card]", (one) => {
    const button = $("[data-mark]", one);
    if (!button) return;
    button.hidden = false;
    button.removeAttribute("data-late");
    button.addEventListener("pointerdown", (event) => event.preventDefault()); // the selection stays
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => open(one));
    draw(one);
  });
  document.addEventListener("draft:restored", () => $$("[data-card]").forEach((one) => fieldOf(one) && draw(one)));
}
})();
