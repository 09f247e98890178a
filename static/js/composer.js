/* The composer of demonstrations and chats: keys, suggestions into the editor, where a text came from. */
(function () {
  "use strict";
  const { $, $$, composing } = window.duologue;
  const composer = () => $("form[data-composer]");
  let before = null; // {number, text, completion}: what a suggestion replaced

  /* Replace the editor's text so that the browser's own undo still works. */
  function put(editor, text) {
    editor.focus();
    editor.select();
    if (!document.execCommand("insertText", false, text)) editor.value = text;
    if (editor.value !== text) editor.value = text;
    editor.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function use(number) {
    const form = composer(), card = $(`[data-suggestion="${number}"]`);
    const raw = card && $("[data-raw]", card);
    if (!form || !raw) return;
    const editor = $("textarea[name=text]", form), completion = $("[data-completion]", form);
    if (before && before.number === number && editor.value === raw.value) {
      completion.value = before.completion;
      const text = before.text;
      before = null;
      put(editor, text);
    } else {
      before = { number, text: editor.value, completion: completion.value };
      completion.value = card.dataset.completionId;
      put(editor, raw.value);
    }
    mark(form);
  }

  function mark(form) {
    const completion = $("[data-completion]", form), source = $("[data-source]", form);
    if (!completion || !source) return;
    const editor = $("textarea[name=text]", form);
    if (!editor.value.trim()) completion.value = "";
    let words = "";
    $$("[data-suggestion]").forEach((card) => {
      const used = Boolean(completion.value) && card.dataset.completionId === completion.value;
      card.toggleAttribute("data-used", used);
      if (used) words = `suggestion ${card.dataset.suggestion}, ${$("[data-raw]", card).value.trim() === editor.value.trim() ? "verbatim" : "edited"}`;
    });
    words = words || (completion.value ? "from a suggestion" : "");
    if (source.textContent !== words) source.textContent = words;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    if (button) { event.preventDefault(); use(Number(button.dataset.use)); }
  });
  document.addEventListener("input", (event) => { const form = event.target.closest("form[data-composer]"); if (form) mark(form); });
  document.addEventListener("paste", (event) => {
    const form = event.target.closest("form[data-composer]"), pasted = form && $("[data-pasted]", form);
    if (pasted && event.clipboardData) pasted.value = Number(pasted.value) + event.clipboardData.getData("text").length;
  });
  document.addEventListener("draft:restored", (event) => mark(event.target));

  document.addEventListener("keydown", (event) => {
    if (composing(event) || $("dialog[open]") || !$("[data-dialogue]")) return;
    const stop = (act) => { event.preventDefault(); act(); };
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form.composer, form.feedback") || $("form.composer");
      if (form) stop(() => form.requestSubmit($("button.primary", form) || $("button:last-of-type", form)));
      return;
    }
    if (event.key === "Escape" && event.target.closest("form.composer")) {
      const cancel = $("[data-cancel]", event.target.closest("form"));
      if (cancel) stop(() => cancel.click());
      return;
    }
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    if (/^Digit[1-9]$/.test(event.code)) { if ($("#suggestions")) stop(() => use(Number(event.code.slice(-1)))); return; }
    const last = $$(".thumbs").pop();
    const act = {
      KeyS: () => { const button = $("[data-suggest]"); if (button) button.click(); },
      KeyR: () => {
        const sides = $$("input[name=role]").filter((radio) => radio.value !== "system");
        const other = sides.find((radio) => !radio.checked);
        if (other) { other.checked = true; other.dispatchEvent(new Event("change", { bubbles: true })); }
      },
      ArrowUp: () => { const button = $("[data-edit-last]"); if (button) button.click(); },
      Period: () => { const button = $("[data-stop]"); if (button) button.click(); },
      KeyU: () => last && $("button[value=up]", last).click(),
      KeyD: () => last && $("button[value=down]", last).click(),
    }[event.code];
    if (act) stop(act);
  });
})();
