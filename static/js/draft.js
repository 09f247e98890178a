/* Keeps what is typed in a form with data-draft: in this browser at once, on the server within two seconds.
 The server's version number decides between two tabs. An empty data-draft: only the browser keeps it. */
(function () {
"use strict";
const { $, notice, post } = window.duologue;
const skips = (name) => ["csrfmiddlewaretoken", "seconds", "confirmed", "draft_version"].includes(name) || name.startsWith("read-");
const AFTER = 700, RETRY = [1000, 2000, 4000, 8000, 15000];
const tab = Math.random().toString(36).slice(2);

const entriesOf = (form) => Array.from(new FormData(form)).filter(([name, value]) => !skips(name) && typeof value === "string");
const same = (a, b) => JSON.stringify(a.filter(([, v]) => v !== "")) === JSON.stringify(b.filter(([, v]) => v !== ""));

const times = (form) => Array.from(form.elements).filter((field) => field.name.startsWith("read-")).map((field) => [field.name, field.value]);

let refused = 0; // the status with which the form now being swapped in came back

duologue.drafts = { skips, entriesOf, same, UNSAVED: [["", "nothing of this is saved"]] };

class Autosave {
  constructor(form) {
    this.form = form;
    this.version = Number(form.dataset.draftVersion);
    this.prefix = `duologue:${document.body.dataset.user}:${form.dataset.draftKey}:`;
    this.key = this.prefix + tab;
    this.saved = entriesOf(form);
    this.stopped = this.paused = false; this.saving = null; this.timer = null; this.tries = 0;
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(this.prefix) : null;
    const changed = (event) => { if (event.target.form === form) this.touch(); };
    document.addEventListener("input", (this.onInput = changed));
    document.addEventListener("change", (this.onChange = changed));
    addEventListener("online", (this.onOnline = () => { this.tries = 0; this.save(); }));
    addEventListener("pagehide", (this.onHide = () => this.beacon()));
    form.autosave = this;
    if (refused && form.dataset.draft) { // what was sent came back: the page has it, the server does not
      this.saved = duologue.drafts.UNSAVED;
      this.touch();
      if (refused === 409) clearTimeout(this.timer); // another tab's work is there, and the person decides
      refused = 0;
    }
    this.meet().then(() => this.restore());
  }

  /* Another tab on the same task? Say so in both; leave its copy alone. */
  meet() {
    this.alive = new Set();
    if (!this.channel) return Promise.resolve();
    this.channel.onmessage = ({ data }) => {
      if (!this.form.isConnected) return;
      if (data.hello) this.channel.postMessage({ here: tab });
      if (data.here) this.alive.add(data.here);
      if (data.hello || data.here) duologue.load("copies").then(() => duologue.copies.beside(), () => {});
      if (data.saved && data.saved > this.version) this.conflict();
      if (data.gone) notice("tabs", "");
    };
    this.channel.postMessage({ hello: tab });
    return new Promise((resolve) => setTimeout(resolve, 150));
  }

  restore() {
    const left = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix) && !this.alive.has(key.slice(this.prefix.length)) && key !== this.key)
      .map((key) => { try { return { key, ...JSON.parse(localStorage.getItem(key)) }; } catch { return { key }; } })
      .sort((a, b) => (b.at || 0) - (a.at || 0));
    if (left.length) duologue.load("copies").then(() => duologue.copies.left(this, left)).catch(() => {});
  }

  touch() {
    if (!this.form.isConnected) { this.end(); return; }
    try {
      localStorage.setItem(this.key, JSON.stringify({ version: this.version, at: Date.now(), entries: entriesOf(this.form) }));
    } catch { /* full or forbidden: the server copy is still made */ }
    if (this.stopped) return;
    clearTimeout(this.timer);
    if (this.form.dataset.draft) this.timer = setTimeout(() => this.save(), AFTER);
    else this.say(gettext("Kept in this browser"));
  }

  /* One save at a time; resolves true once the server has what the form holds. */
  async save() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.saving) await this.saving;
    if (!this.form.dataset.draft || this.stopped || this.paused || !this.form.isConnected) return false;
    const entries = entriesOf(this.form);
    if (same(entries, this.saved)) { this.clear(entries); return true; }
    this.saving = this.send(entries);
    const done = await this.saving;
    this.saving = null;
    return done;
  }

  async send(entries) {
    try {
      const { status, data } = await post(this.form.dataset.draft, entries.concat(times(this.form), [["draft_version", this.version]]));
      if (status === 409) { this.conflict(); return false; }
      if (status === 404 || status === 410) { this.stopped = true; this.say(gettext("Not saved: this task is no longer yours"), true); return false; }
      if (status >= 400) throw new Error(String(status));
      this.version = data.version;
      this.form.dataset.draftVersion = data.version;
      const field = this.form.elements.draft_version;
      if (field) field.value = data.version;
      this.saved = entries; this.tries = 0;
      this.clear(entries);
      this.say(gettext("Saved %s").replace("%s", data.at));
      notice("offline", "");
      if (this.channel) this.channel.postMessage({ saved: this.version });
      return true;
    } catch (error) {
      this.say(gettext("Kept in this browser, trying again"), true);
      this.timer = setTimeout(() => this.save(), RETRY[Math.min(this.tries++, RETRY.length - 1)]);
      return false;
    }
  }

  /* The tab closes: a last try outlives it. The browser's copy stays until that is known to be saved. */
  beacon() {
    if (this.channel) this.channel.postMessage({ gone: tab });
    const entries = entriesOf(this.form);
    if (!this.form.dataset.draft || this.stopped || !this.form.isConnected || same(entries, this.saved)) return;
    const body = new URLSearchParams(entries.concat(times(this.form), [["draft_version", this.version], ["csrfmiddlewaretoken", duologue.token()]]));
    navigator.sendBeacon(this.form.dataset.draft, body);
  }

  conflict() {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    this.say(gettext("Not saved here"), true);
    duologue.load("copies").then(() => duologue.copies.differ(this)).catch(() => { this.stopped = false; });
  }

  /* The form itself is being sent: no save may overtake it. */
  pause() { clearTimeout(this.timer); this.timer = null; this.paused = true; return this.saving; }
  resume() { this.paused = false; if (!same(entriesOf(this.form), this.saved)) this.touch(); }

  clear(entries) { if (same(entries, entriesOf(this.form))) localStorage.removeItem(this.key); }
  forget() { localStorage.removeItem(this.key); this.stopped = true; clearTimeout(this.timer); }
  say(words, trouble) {
    const saved = (!this.form.dataset.draft && $("[data-kept]", this.form)) || $("[data-saved]");
    if (saved) { saved.textContent = words; saved.dataset.state = trouble ? "trouble" : ""; }
  }
  end() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("input", this.onInput); document.removeEventListener("change", this.onChange);
    removeEventListener("online", this.onOnline); removeEventListener("pagehide", this.onHide);
    if (this.channel) { this.channel.postMessage({ gone: tab }); this.channel.close(); this.channel = null; }
  }
}

duologue.widget("form[data-draft]", (form) => new Autosave(form));

/* What was typed is saved before a swap; a submission waits for the save under way. */
document.addEventListener("htmx:confirm", (event) => {
  const asked = event.target, own = asked.matches("form[data-draft]") ? asked : asked.form;
  const waits = Array.from(document.querySelectorAll("form[data-draft]")).map((form) => form.autosave).filter(Boolean)
    .map((autosave) => (autosave.form === own ? autosave.pause() : autosave.saving || !same(entriesOf(autosave.form), autosave.saved) ? autosave.save() : null))
    .filter(Boolean);
  if (!waits.length) return;
  event.preventDefault();
  if (event.detail.question && !confirm(event.detail.question)) return;
  Promise.allSettled(waits).then(() => event.detail.issueRequest(true));
});
document.addEventListener("htmx:afterRequest", () => {
  document.querySelectorAll("form[data-draft]").forEach((form) => { if (form.autosave && form.autosave.paused) form.autosave.resume(); });
});
document.addEventListener("htmx:beforeOnLoad", (event) => { // sent or given up, and on to another page: no copy is wanted
  const { xhr, elt } = event.detail, sent = elt.form || elt, form = sent.matches("[data-discards]") ? $("form[data-draft]") || sent : sent;
  if (form.autosave && xhr.status === 204 && xhr.getResponseHeader("HX-Redirect")) { form.autosave.forget(); form.autosave.end(); form.autosave = null; }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, shouldSwap, requestConfig } = event.detail, sent = requestConfig && requestConfig.elt;
  if (xhr.status < 400 && sent && sent.autosave && "replaced" in sent.dataset) { sent.autosave.forget(); sent.autosave.end(); } // by the answer
  refused = target.id === "main" && shouldSwap && xhr.status >= 400 ? xhr.status : 0;
  if (xhr.status < 400 && target.id === "main") { const form = $("form[data-draft]", target); if (form && form.autosave) { form.autosave.forget(); form.autosave.end(); } }
});

/* time at work, and the lease kept alive */
let last = Date.now(), active = 0;
["keydown", "pointerdown", "pointermove", "wheel", "touchstart"].forEach((name) => addEventListener(name, () => { last = Date.now(); }, { passive: true }));
duologue.active = () => document.visibilityState === "visible" && Date.now() - last < 60000;
setInterval(() => {
  if (!duologue.active()) return;
  active += 1;
  const field = $("[data-seconds]");
  if (field) field.value = Number(field.value) + 1;
}, 1000);
setInterval(() => {
  const form = $("form[data-heartbeat]");
  if (!form || !active) return;
  const seconds = active; active = 0;
  post(form.dataset.heartbeat, [["seconds", seconds]]).catch(() => { active += seconds; });
}, 30000);
})();
