/* Where copies of a draft differ: what this browser kept from what was saved, or one tab's from another's. Nothing is
 overwritten, the person decides. Fetched when that is so (js/draft.js). */
(function () {
"use strict";
const { notice, post } = window.duologue, { skips, entriesOf, same, UNSAVED } = duologue.drafts;

function write(form, entries) {
  const given = new Map();
  for (const [name, value] of entries) given.set(name, (given.get(name) || []).concat(value));
  for (const element of form.elements) {
    if (!element.name || skips(element.name) || element.type === "submit") continue;
    const values = given.get(element.name) || [];
    if (element.type === "checkbox" || element.type === "radio") element.checked = values.includes(element.value);
    else element.value = values.length ? values.shift() : "";
  }
  form.dispatchEvent(new CustomEvent("draft:restored", { bubbles: true }));
}

/* The server gets this tab's after all. */
async function force(autosave) {
  const { data } = await post(autosave.form.dataset.draft, [["peek", "1"]]);
  autosave.version = data.version; autosave.stopped = false; autosave.saved = UNSAVED;
  await autosave.save();
}

duologue.copies = {
  /* `left`: what earlier tabs of this browser kept, the newest first. */
  left(autosave, left) {
    const { form } = autosave, newest = left.find((copy) => Array.isArray(copy.entries));
    const drop = () => left.forEach(({ key }) => localStorage.removeItem(key));
    if (!form.isConnected) return;
    if (!newest || same(newest.entries, entriesOf(form))) { drop(); return; }
    const use = () => { write(form, newest.entries); drop(); autosave.touch(); };
    if (newest.version === autosave.version && same(autosave.saved, entriesOf(form))) {
      use();
      notice("restored", gettext("Restored what you had written here before it could be saved."), "good", [[gettext("Fine"), () => {}]]);
    } else {
      const when = new Date(newest.at).toLocaleTimeString(document.documentElement.lang, { timeStyle: "medium", hourCycle: "h23" });
      notice("restored", gettext("This browser kept work from %s that differs from what is saved.").replace("%s", when), "warn", [[gettext("Use it"), use], [gettext("Drop it"), drop]]);
    }
  },
  /* The task is open in two tabs. */
  beside() { notice("tabs", gettext("This task is open in another tab too. Work in one of them: whichever saves second is told, and nothing is overwritten."), "warn"); },
  differ(autosave) {
    notice("tabs", "");
    notice("conflict", gettext("This task was changed in another tab or on another device. Nothing was overwritten; what you see here is not saved."), "bad", [
      [gettext("Show the saved work"), () => { localStorage.removeItem(autosave.key); location.reload(); }],
      [gettext("Keep mine instead"), () => force(autosave)],
    ]);
  },
};
})();
