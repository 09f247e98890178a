/* Live text: follows the server's events and appends what comes. Loses nothing and repeats nothing on a
   reconnect, since every event says where each text stands. */
(function () {
  "use strict";
  const { $, $$, signIn } = window.duologue;

  function begin(root) {
    const texts = $$("[data-request]", root), places = new Map();
    texts.forEach((text) => places.set(text.dataset.request, text.dataset.after || "0"));
    let source = null;

    function open() {
      if (!root.isConnected) return;
      const query = [...places].map(([request, after]) => "r=" + encodeURIComponent(request + "@" + after)).join("&");
      source = new EventSource(root.dataset.stream + "?" + query);
      source.onmessage = (event) => {
        if (!root.isConnected) { source.close(); return; }
        for (const pair of event.lastEventId.split(" ")) { const [request, after] = pair.split("@"); if (after) places.set(request, after); }
        take(JSON.parse(event.data));
      };
      source.addEventListener("done", () => { source.close(); finish(); });
      source.onerror = () => {
        if (source.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
        setTimeout(async () => {
          try {
            const answer = await fetch(document.body.dataset.session, { headers: { "X-Requested-With": "fetch" } });
            if (answer.status === 401) await signIn();
          } catch { /* no network: try again below */ }
          open();
        }, 2000);
      };
    }

    function take(entry) {
      const low = innerHeight + scrollY > document.documentElement.scrollHeight - 140;
      for (const text of texts) {
        if (text.dataset.request !== entry.r) continue;
        if ("reset" in entry) text.textContent = "";
        else if ("end" in entry) text.classList.remove("caret");
        else if (text.dataset.index === String(entry.i)) {
          text.append(entry.t);
          const state = $("[data-state]", text.closest(".turn, .suggestion"));
          if (state && !root.dataset.stopping) state.textContent = root.dataset.reply ? gettext("is writing…") : gettext("being written…");
        }
      }
      if (low && root.dataset.reply) scrollTo({ top: document.documentElement.scrollHeight });
    }

    /* What was streamed is now a row: show it as such. */
    async function finish() {
      if (!root.isConnected) return;
      if (root.dataset.reply) {
        const told = $("[data-refused]"); // that the model is still writing
        if (told) told.remove();
        await htmx.ajax("POST", root.dataset.reply, { source: root, target: root, swap: "outerHTML" });
        const announce = $("[data-announce]");
        const ended = root.dataset.stopping ? gettext("The answer was stopped.") : gettext("The model has answered.");
        if (announce) setTimeout(() => { announce.textContent = ended; }, 50);
      } else await htmx.ajax("GET", root.dataset.afterStream, { source: root, target: root, swap: "outerHTML" });
    }

    if (texts.length) open();
    else if (root.dataset.reply) finish(); // it ended while nobody was looking
  }
  duologue.widget("[data-stream]", begin);
})();
