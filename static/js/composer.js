/* The composer of demonstrations and chats: keys, suggestions into the editor, where a text came from. */
(function () {
  "use strict";
  const { $, $$, keys, sends, typing, singleKeys } = window.duologue;
  const composer = () => $("form[data-composer]");
  let before = null; // {number, text, completion}: what a suggestion replaced
  let whole = false, putting = false; // all of the editor's text is about to be replaced: by hand; by the page

  /* Replace the editor's text so that the browser's own undo still works. */
  function put(editor, text) {
    putting = true;
    editor.focus();
    editor.select();
    if (!document.execCommand("insertText", false, text)) editor.value = text;
    if (editor.value !== text) editor.value = text;
    editor.dispatchEvent(new Event("input", { bubbles: true }));
    putting = false;
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

  /* Who selects all of a suggestion and writes or pastes something else has emptied the box: the words are their own.
     What is again word for word a suggestion, as by the browser's undo, is from it. */
  function whose(form, editor) {
    const completion = $("[data-completion]", form);
    if (!completion || editor.name !== "text") return;
    if (whole) completion.value = "";
    if (completion.value || putting || !editor.value.trim()) { whole = false; return; }
    const same = $$("[data-suggestion]").find((card) => $("[data-raw]", card) && $("[data-raw]", card).value.trim() === editor.value.trim());
    if (same) completion.value = same.dataset.completionId;
    whole = false;
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
      if (used) words = ($("[data-raw]", card).value.trim() === editor.value.trim() ? gettext("suggestion %s, verbatim") : gettext("suggestion %s, edited")).replace("%s", card.dataset.suggestion);
    });
    words = words || (completion.value ? gettext("from a suggestion") : "");
    if (source.textContent !== words) source.textContent = words;
  }

  /* As the page writes numbers, whatever the browser's own language is. */
  const written = (number) => number.toLocaleString(document.documentElement.lang);

  /* How long the text is, once it comes near what can be sent. Characters are counted as the server does. */
  function count(form) {
    const shown = $("[data-count]", form), editor = $("textarea", form), most = shown && Number(shown.dataset.most);
    if (!most || !editor) return;
    const length = editor.value.length < 0.8 * most ? 0 : [...editor.value].length;
    const words = length < 0.8 * most ? "" : gettext("%(length)s of at most %(most)s characters").replace("%(length)s", written(length)).replace("%(most)s", written(most));
    shown.toggleAttribute("data-over", length > most);
    if (shown.textContent !== words) shown.textContent = words;
  }
  const counts = () => $$("form.composer").forEach(count);
  addEventListener("load", counts);
  document.addEventListener("htmx:afterSettle", counts);
  document.addEventListener("draft:restored", (event) => count(event.target));
  document.addEventListener("input", (event) => { const form = event.target.closest("form.composer"); if (form) count(form); });

  /* A worker looks for a stop between two steps: until then the page says that it was heard. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt, button = form.matches("form") && $("[data-stop]", form), turn = button && button.closest(".turn");
    if (!turn) return;
    button.disabled = true;
    $("[data-state]", turn).textContent = gettext("is stopping…");
    button.closest("[data-stream]").dataset.stopping = "1";
  });
  document.addEventListener("htmx:sendError", (event) => { const button = $("[data-stop]", event.detail.elt); if (button) button.disabled = false; });

  /* A chat is opened at its end; what opens below a reply is not left under the composer. */
  addEventListener("load", () => { if ($(".chat .turn") && !location.hash) scrollTo({ top: document.documentElement.scrollHeight }); });
  document.addEventListener("htmx:afterSettle", (event) => {
    const turn = event.detail.elt.closest && event.detail.elt.closest(".chat .turn"), form = turn && $("form.feedback, form.report", turn);
    if (form) form.scrollIntoView({ block: "nearest" });
    const editor = $("#composer-text"); // it kept the focus, and the turn that was added pushed it out of view
    if (editor && editor === document.activeElement && (event.detail.target || {}).id === "main") editor.scrollIntoView({ block: "nearest" });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    if (button) { event.preventDefault(); use(Number(button.dataset.use)); }
  });
  document.addEventListener("beforeinput", (event) => {
    const editor = event.target;
    whole = !putting && Boolean(editor.value) && editor.selectionStart === 0 && editor.selectionEnd === editor.value.length && !(event.inputType || "").startsWith("history");
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-composer]");
    if (form) { whose(form, event.target); mark(form); }
  });
  document.addEventListener("paste", (event) => {
    const form = event.target.closest("form[data-composer]"), pasted = form && $("[data-pasted]", form);
    if (pasted && event.clipboardData) pasted.value = Number(pasted.value) + event.clipboardData.getData("text").length;
  });
  document.addEventListener("draft:restored", (event) => mark(event.target));

  /* A report that was begun and not sent: its form is opened, and gets back what this browser kept. */
  function begun() {
    const prefix = `duologue:${document.body.dataset.user}:report:`;
    let kept = [];
    try { kept = Object.keys(localStorage); } catch { return; /* forbidden: nothing was kept */ }
    $$("[data-harmful]").forEach((one) => {
      if (kept.some((key) => key.startsWith(`${prefix}${one.dataset.harmful}:`))) one.open = true;
    });
  }
  addEventListener("load", begun);

  /* Alt prints a character on some keyboards (Option of a Mac, AltGr): in an editor that is what is wanted. The bare
     digits of a French keyboard differ from their keys too, and print nothing with Alt. */
  function prints(event) {
    if (!typing(event.target)) return false;
    if (event.key === "Dead" || event.getModifierState("AltGraph")) return true;
    if (event.key.length !== 1 || event.key.toLowerCase() === event.code.slice(-1).toLowerCase() || event.key === ".") return false;
    return /Mac/.test(navigator.platform) || (/^Digit/.test(event.code) && !"&é\"'(-è_çà".includes(event.key));
  }

  keys((event) => {
    if (!$("[data-dialogue]")) return;
    const stop = (act) => { event.preventDefault(); act(); };
    if (sends(event)) {
      const form = event.target.closest("form.composer, form.feedback, form.verdict-comment") || $("form.composer");
      if (form) stop(() => form.requestSubmit($("button.primary", form) || $("button:last-of-type", form)));
      return;
    }
    if (event.key === "Escape" && event.target.closest("form.composer")) {
      const cancel = $("[data-cancel]", event.target.closest("form"));
      stop(() => (cancel ? cancel.click() : event.target.blur()));
      return;
    }
    const bare = !event.altKey && !event.shiftKey && !typing(event.target) && singleKeys(); // the way without Alt
    if (event.ctrlKey || event.metaKey || (event.altKey ? prints(event) : !bare)) return;
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
      KeyE: () => { const editor = $("#composer-text"); if (editor && bare) editor.focus(); },
      KeyU: () => last && $("button[value=up]", last).click(),
      KeyH: () => {
        const harm = $$("[data-harmful]").pop(), panel = bare && $("[data-harm]");
        if (panel) { panel.click(); return; }
        if (!harm) return;
        harm.open = !harm.open;
        ($("input:checked, input[type=radio]", harm) || $("summary", harm)).focus(); // the form itself comes on demand
      },
      KeyQ: () => { const way = $("[data-questions]"); if (way) way.click(); },
      KeyD: () => last && $("button[value=down]", last).click(),
    }[event.code];
    if (act) stop(act);
  });

  /* What is sent at each change, beside the text that is written: whether the server has it. */
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    const kept = elt.isConnected && elt.matches("form[data-draft='']") && $("[data-kept]", elt);
    if (!kept || !elt.autosave) return;
    kept.textContent = successful ? gettext("Saved") : gettext("Kept in this browser: not saved yet");
    if (successful) { elt.autosave.saved = duologue.drafts.entriesOf(elt); elt.autosave.clear(elt.autosave.saved); }
  });
})();
