/* What every working page shares: the CSRF token as it is now, notices, dialogs, focus after a swap, and what
 fetches scripts that few pages need. */
(function () {
"use strict";
const duologue = (window.duologue = {});
const $ = (selector, root) => (root || document).querySelector(selector);
const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
Object.assign(duologue, { $, $$ });

duologue.token = () => {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie ? cookie.slice(10) : ($("input[name=csrfmiddlewaretoken]") || {}).value || "";
};

duologue.notice = (id, text, kind, actions) => {
  const box = $("#notices");
  if (!box) return;
  let notice = $(`[data-notice="${id}"]`, box);
  if (!text) { if (notice) notice.remove(); return; }
  if (!notice) { notice = document.createElement("div"); notice.dataset.notice = id; box.append(notice); }
  notice.className = "notice " + (kind || "");
  if (kind === "bad" || id === "offline") $$(".good", box).forEach((old) => old.remove());
  notice.replaceChildren(document.createTextNode(text));
  if (actions) {
    const row = document.createElement("div");
    row.className = "row";
    for (const [label, act] of actions) {
      const button = document.createElement("button");
      button.type = "button"; button.className = "button small"; button.textContent = label;
      button.addEventListener("click", () => { notice.remove(); act(); });
      row.append(button);
    }
    notice.append(row);
  }
};

/* The token's cookie is gone (cookies were cleared): the sign-in page, or home, sets it afresh. */
duologue.renewToken = () => fetch(document.body.dataset.login, { credentials: "same-origin" });

/* POST a form's entries; signs in again when the session is gone. A network failure rejects. */
duologue.post = async (url, entries) => {
  for (let renewed = false; ;) {
    const response = await fetch(url, {
      method: "POST", credentials: "same-origin", redirect: "manual",
      headers: { "X-CSRFToken": duologue.token(), "X-Requested-With": "fetch", Accept: "application/json" },
      body: new URLSearchParams(entries || []),
    });
    if (response.status === 403 && !renewed) { renewed = true; await duologue.renewToken(); continue; }
    if (response.status !== 401) {
      const json = (response.headers.get("content-type") || "").includes("json");
      return { status: response.status, data: json ? await response.json() : {} };
    }
    await duologue.signIn();
  }
};

/* Scripts that few pages need come once, when there is something for them. */
const here = document.currentScript.src, coming = new Map();
const NEEDED = [["rich", ".code, math"], ["pair", "[data-late=pair]"], ["marks", "[data-late=marks] ~ [data-spans][value]"]];
/* What the script works on may have to be asked for first: `data-part-NAME` says where. */
const part = async (name) => {
  const says = `data-part-${name}`, from = $(`[${says}]`);
  if (!from) return;
  const answer = await fetch(from.getAttribute(says), { headers: { "X-Requested-With": "fetch" } });
  if (answer.status === 401) return duologue.signIn().then(() => part(name));
  if (!answer.ok) throw new TypeError(name);
  document.body.insertAdjacentHTML("beforeend", await answer.text());
  from.removeAttribute(says);
};
const script = (name) => new Promise((resolve, reject) => {
  const element = document.createElement("script");
  element.src = new URL(`${name}.js`, here);
  element.onload = resolve;
  element.onerror = reject;
  document.head.append(element);
});
duologue.load = (name) => {
  if (!coming.has(name)) coming.set(name, Promise.all([part("messages"), part(name)]).then(() => script(name)).catch((error) => { coming.delete(name); throw error; }));
  return coming.get(name);
};

let waiting = null;
duologue.signIn = () => {
  waiting = waiting || duologue.load("sign_in").then(() => duologue.askAgain()).finally(() => { waiting = null; });
  return waiting;
};

document.addEventListener("submit", (event) => {
  const token = event.target.elements && event.target.elements.csrfmiddlewaretoken;
  if (token && document.cookie.includes("csrftoken=")) token.value = duologue.token();
}, true);

/* htmx */
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = duologue.token();
  if (event.detail.parameters.csrfmiddlewaretoken) event.detail.parameters.csrfmiddlewaretoken = duologue.token();
  const current = event.detail.elt.matches("[data-harm]") && $("[data-card][data-current]");
  if (current) event.detail.parameters.text = current.dataset.letter;
  /* htmx leaves out the name and the address of a button outside its form. */
  const button = (event.detail.triggeringEvent || {}).submitter;
  if (!button || button.form !== event.detail.elt) return;
  if (button.name) event.detail.parameters[button.name] = button.value;
  if (button.hasAttribute("formaction")) event.detail.path = button.getAttribute("formaction");
});
const offline = duologue.offline = () => duologue.notice("offline", gettext("No connection to the server. Your work is kept in this browser: send it again when the connection is back."), "warn");
const trouble = (event) => { const { xhr, elt, requestConfig } = event.detail; duologue.load("trouble").then(() => duologue.trouble(xhr.status, elt, requestConfig), offline); };
document.addEventListener("htmx:responseError", trouble);
document.addEventListener("htmx:beforeSwap", (event) => { // a whole page of its own: it has no place in this one
  if (event.detail.xhr.status !== 404) return;
  event.detail.shouldSwap = false;
  trouble(event);
});
document.addEventListener("htmx:sendError", offline);
document.addEventListener("htmx:beforeRequest", () => { duologue.notice("request", ""); duologue.notice("offline", ""); });
const taskOf = (root) => ($("[data-draft-key^=ranking], [data-draft-key^=dialogue]", root) || { dataset: {} }).dataset.draftKey;
document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target || event.target;
  if (target.matches("dialog")) { if (!target.open) target.showModal(); return; }
  const old = taskOf(target); // a dialog over a task ends with it
  if (target.id === "main" && (!old || old !== taskOf(document))) $$("dialog[open]:not(#login, .pause)").forEach((one) => one.close());
  duologue.start();
  const root = (target.id && document.getElementById(target.id)) || event.target;
  const lost = !document.activeElement || document.activeElement === document.body;
  const place = $("[data-focus-first]", root) || $("[data-focus]", root) || (lost && ($("[data-focus-first]") || $("[data-focus]")));
  if (place) place.focus({ preventScroll: place.tagName === "H1" });
});

/* widgets: each registers a starter that runs now and after every swap */
const starters = [];
duologue.widget = (selector, begin) => {
  starters.push(() => $$(selector).forEach((element) => {
    if (element.duologueStarted) return;
    element.duologueStarted = true;
    begin(element);
  }));
  starters[starters.length - 1]();
};
duologue.start = () => {
  $$("[data-open-keys], [data-pause]").forEach((button) => { button.hidden = !$("#keys"); });
  starters.forEach((start) => start());
  NEEDED.forEach(([name, what]) => { if ($(what)) duologue.load(name).catch(() => {}); });
};
document.addEventListener("DOMContentLoaded", () => {
  duologue.start();
  const editor = $("textarea[data-focus-first]"), lost = document.activeElement === document.body;
  if (editor && lost && matchMedia("(hover: hover)").matches) editor.focus({ preventScroll: true }); // a phone's keyboard would hide the page
});

/* keys, menus, dialogs */
duologue.typing = (target) => target.closest && (target.closest("textarea, select, [contenteditable]") ||
  target.matches("input:not([type=checkbox]):not([type=radio])"));
/* Keys while an input method composes belong to it: Enter takes a word, Escape drops it. */
duologue.composing = (event) => event.isComposing || event.keyCode === 229;
duologue.sends = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.repeat; // AltGr is Ctrl and Alt
duologue.enters = (event) => event.key === "Enter" && event.target.tagName === "INPUT" && !event.altKey && !event.ctrlKey && !event.metaKey;
/* Alt with a letter, but in an editor where that prints: Option of a Mac, AltGr. */
duologue.asks = (event, letter) => event.altKey && event.code === `Key${letter}` && !(duologue.typing(event.target) && event.key.toUpperCase() !== letter);
duologue.singleKeys = () => localStorage.getItem("duologue:single-keys") !== "off";
const openKeys = () => { if ($("#keys")) duologue.load("keys").then(() => duologue.openKeys(), offline); };
const pause = () => duologue.pause ? duologue.pause() : $("[data-pause]:not([hidden])") && duologue.load("pause").catch(offline);
document.addEventListener("mousedown", (event) => { if (event.target.closest("button[data-late]")) event.preventDefault(); }); // what is selected stays so
document.addEventListener("focusin", (event) => { const late = event.target.closest("[data-late]"); if (late) duologue.load(late.dataset.late).catch(() => {}); });
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-keys]")) openKeys();
  if (event.target.closest("[data-pause]")) pause();
  const late = event.target.closest("button[data-late]");
  if (late) duologue.load(late.dataset.late).then(() => { late.removeAttribute("data-late"); late.click(); }, offline);
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
  $$("details[data-menu][open], details[data-pop][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
/* Every key comes here. While a dialog is open, only who has keys for dialogs gets them; Ctrl Enter sends its form. */
const takers = [];
const dialogOpen = () => { const open = $$(":is(dialog[open], :popover-open)"); return open.find((one) => one.contains(document.activeElement)) || open.pop(); };
duologue.keys = (take, inDialogs) => takers.push([take, inDialogs]);
document.addEventListener("keydown", (event) => {
  if (duologue.composing(event)) return;
  const dialog = dialogOpen();
  if (dialog && duologue.sends(event)) {
    const form = dialog.contains(event.target) && event.target.closest("form");
    const button = $("button.primary", form || dialog) || (form && $("button:not([type])", form));
    event.preventDefault();
    if (button && button.form) button.form.requestSubmit(button);
  } else takers.forEach(([take, inDialogs]) => { if (!dialog || inDialogs) take(event, dialog); });
});
duologue.keys((event) => {
  if (event.key === "?" && !duologue.typing(event.target) && duologue.singleKeys()) { event.preventDefault(); openKeys(); }
  if (duologue.asks(event, "P")) { event.preventDefault(); pause(); }
  const harm = duologue.asks(event, "H") && $("[data-harm]");
  if (harm) { event.preventDefault(); harm.click(); }
  if (event.key === "Escape") {
    const menu = event.target.closest && event.target.closest("details[data-menu][open], details[data-pop][open]");
    if (menu) { menu.open = false; $("summary", menu).focus(); event.stopPropagation(); }
  }
});
})();
