/* The ranking widget. The number fields are the truth; segments, the order strip, keys and dragging
   only write into them. */
(function () {
  "use strict";
  const { $, $$, typing, singleKeys } = window.duologue;
  const nth = (n) => n + (["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] || "th");

  function begin(main) {
    const form = $("#ranking-form", main), k = Number(form.dataset.k);
    const cards = $$("[data-card]", main), strip = $("[data-strip]", main), slots = $("[data-slots]", main);
    const field = (card) => $("input[type=number]", card);
    const letter = (card) => card.dataset.letter;
    let picked = null; // a token chosen by tap or Enter, waiting for its place

    function put(card, place) {
      const input = field(card), value = place ? String(place) : "";
      if (input.value === value) return;
      input.value = value;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    cards.forEach((card) => {
      const group = document.createElement("div");
      group.className = "segments"; group.setAttribute("role", "group"); group.setAttribute("aria-label", `Place of ${letter(card)}`);
      for (let n = 1; n <= k; n++) {
        const button = document.createElement("button");
        button.type = "button"; button.textContent = n; button.dataset.place = n;
        button.setAttribute("aria-label", `${letter(card)} in place ${n}`);
        button.addEventListener("click", () => put(card, field(card).value === String(n) ? 0 : n));
        group.append(button);
      }
      $("[data-place-field]", card).append(group);
      $$(".rate input", card).forEach((radio) => {
        radio.addEventListener("pointerdown", () => { radio.wasChecked = radio.checked; });
        radio.addEventListener("click", () => {
          if (!radio.wasChecked) return;
          radio.checked = radio.wasChecked = false;
          radio.dispatchEvent(new Event("change", { bubbles: true }));
        });
      });
    });
    strip.hidden = false;
    slots.append(...[0, ...Array.from({ length: k }, (_, i) => i + 1)].map((n) => {
      const slot = document.createElement("li");
      slot.className = "slot" + (n ? "" : " unplaced"); slot.dataset.slot = n;
      const name = document.createElement("button");
      name.type = "button"; name.className = "slot-name"; name.textContent = n ? nth(n) : "To place";
      slot.append(name);
      slot.addEventListener("click", (event) => {
        if (event.target.closest(".token") || !picked) return;
        const card = picked; picked = null;
        put(card, n); draw();
        const token = $(`.token[data-letter="${letter(card)}"]`, slots);
        if (token) token.focus();
      });
      return slot;
    }));

    function draw() {
      const focused = document.activeElement && document.activeElement.classList.contains("token") ? document.activeElement.dataset.letter : null;
      const used = new Set();
      $$(".slot", slots).forEach((slot) => {
        $$(".token, .slot-tie", slot).forEach((old) => old.remove());
        const here = cards.filter((card) => (Number(field(card).value) || 0) === Number(slot.dataset.slot));
        here.forEach((card) => {
          const token = document.createElement("button");
          token.type = "button"; token.className = "token"; token.textContent = token.dataset.letter = letter(card);
          token.setAttribute("aria-pressed", picked === card);
          token.setAttribute("aria-label", `${letter(card)}, ${slot.dataset.slot === "0" ? "not placed" : nth(Number(slot.dataset.slot))}. Choose it, then a place`);
          grab(token, card, (event) => {
            if (event.detail && !event.pointerType && event.type !== "click") return;
            picked = picked === card ? null : card; draw();
          });
          slot.append(token);
        });
        if (here.length > 1 && slot.dataset.slot !== "0") { const tie = document.createElement("span"); tie.className = "slot-tie"; tie.textContent = "tie"; slot.append(tie); }
        slot.toggleAttribute("data-full", here.length > 0);
        if (slot.dataset.slot === "0") slot.hidden = !here.length && !picked;
        else if (here.length) used.add(Number(slot.dataset.slot));
      });
      cards.forEach((card) => $$("[data-place]", card).forEach((button) => button.setAttribute("aria-pressed", button.dataset.place === field(card).value)));
      if (focused) { const token = $(`.token[data-letter="${focused}"]`, slots); if (token) token.focus(); }
      const places = [...used].sort((a, b) => a - b);
      $$("[data-gap]", main).forEach((gap, i) => {
        gap.hidden = i + 1 >= places.length;
        const names = (n) => cards.filter((card) => Number(field(card).value) === n).map(letter).join(", ");
        if (!gap.hidden) $("[data-gap-name]", gap).textContent = `${names(places[i])} over ${names(places[i + 1])}`;
      });
      const strengths = $("[data-strengths]", main);
      if (strengths) strengths.hidden = places.length < 2;
      document.documentElement.style.setProperty("--strip", getComputedStyle(strip).position === "sticky" && innerWidth > 719 ? strip.offsetHeight + "px" : "0px");
    }

    /* ---- dragging, by pointer events: the same for mouse, pen and touch ---- */
    function grab(handle, card, tap) {
      let ghost = null, startX = 0, startY = 0;
      const over = (event) => { const under = document.elementFromPoint(event.clientX, event.clientY); return under && under.closest(".slot"); };
      const clear = () => { $$("[data-over]", slots).forEach((slot) => slot.removeAttribute("data-over")); if (ghost) ghost.remove(); ghost = null; handle.classList.remove("dragging"); };
      handle.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        startX = event.clientX; startY = event.clientY;
        handle.setPointerCapture(event.pointerId);
      });
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        if (!ghost) {
          if (Math.hypot(event.clientX - startX, event.clientY - startY) < 6) return;
          ghost = document.createElement("div");
          ghost.className = "token ghost"; ghost.textContent = letter(card);
          document.body.append(ghost); handle.classList.add("dragging");
          $('[data-slot="0"]', slots).hidden = false;
        }
        ghost.style.transform = `translate(${event.clientX - 16}px, ${event.clientY - 16}px)`;
        $$("[data-over]", slots).forEach((slot) => slot.removeAttribute("data-over"));
        const slot = over(event);
        if (slot) slot.setAttribute("data-over", "");
      });
      handle.addEventListener("pointerup", (event) => {
        const far = handle.hasPointerCapture(event.pointerId) && Math.hypot(event.clientX - startX, event.clientY - startY) >= 6;
        const dragged = Boolean(ghost) || far, slot = dragged && over(event); // a busy browser may not have told of any move
        clear();
        handle.wasDragged = dragged;
        if (slot) { picked = null; put(card, Number(slot.dataset.slot)); }
        if (dragged) draw();
      });
      handle.addEventListener("pointercancel", clear);
      handle.addEventListener("click", (event) => { if (handle.wasDragged) { handle.wasDragged = false; return; } if (tap) tap(event); });
    }
    cards.forEach((card) => { const badge = $(".letter", card); badge.classList.add("grip"); grab(badge, card, null); });

    function flagNames(card) {
      const box = $("[data-flag-names]", card);
      if (!box) return;
      box.replaceChildren(...$$(".chip input:checked", card).map((input) => {
        const tag = document.createElement("span"); tag.className = "tag warn"; tag.textContent = input.value; return tag;
      }).flatMap((tag) => [tag, document.createTextNode(" ")]));
    }
    form.addEventListener("change", (event) => {
      const card = event.target.closest("[data-card]");
      if (event.target.matches("input[type=number]")) draw();
      if (card && event.target.matches(".chip input")) flagNames(card);
    });
    form.addEventListener("draft:restored", () => { draw(); cards.forEach(flagNames); });
    addEventListener("resize", () => main.isConnected && draw());
    draw();

    /* ---- keys ---- */
    let current = null;
    const go = (card) => {
      if (!card) return;
      current = card;
      cards.forEach((other) => other.toggleAttribute("data-current", other === card));
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    };
    main.addEventListener("focusin", (event) => {
      const card = event.target.closest("[data-card]");
      if (card && card !== current) { current = card; cards.forEach((other) => other.toggleAttribute("data-current", other === card)); }
    });
    main.duologueKey = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); $("button.primary", $(".actions", main)).click(); return; }
      if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
      if (event.key === "Escape" && typing(event.target)) { event.target.blur(); go(current || cards[0]); return; }
      if (typing(event.target) || !singleKeys()) return;
      const digit = /^(Digit|Numpad)\d$/.test(event.code) ? Number(event.code.slice(-1)) : null;
      const inside = event.target.closest("[data-card]") || (event.target === document.body || event.target.matches("h1, .token, #prompt") ? current : null);
      if (digit !== null) {
        if (!inside || (event.target.matches && event.target.matches("input[type=number]"))) return;
        event.preventDefault();
        if (event.shiftKey) { const rate = $(`.rate input[value="${digit}"]`, inside); if (rate) { rate.checked = true; rate.dispatchEvent(new Event("change", { bubbles: true })); } }
        else if (digit <= k) { put(inside, digit); }
        return;
      }
      const key = event.key.toLowerCase();
      const card = key.length === 1 && cards.find((one) => letter(one).toLowerCase() === key);
      const at = cards.indexOf(current);
      const does = {
        j: () => go(cards[Math.min(at + 1, k - 1)]), k: () => go(cards[Math.max(at - 1, 0)]),
        m: () => { const free = [...cards.slice(at + 1), ...cards.slice(0, at + 1)].find((card) => !field(card).value); go(free || current || cards[0]); },
        t: () => { const flags = current && $(".flags", current); if (flags) { flags.open = true; $(".chip input", flags).focus(); } },
        x: () => { const fold = current && $(".fold-toggle", current); if (fold) fold.checked = !fold.checked; },
        o: () => { const source = current && $(".source-toggle", current); if (source) source.checked = !source.checked; },
        n: () => $("#note", main).focus(),
        u: () => { const undo = $("[data-undo]", main); if (undo) undo.click(); },
        s: () => { const skip = $("[data-skip]", main); if (skip) { skip.open = true; $("input", skip).focus(); } },
        p: () => { const prompt = $("#prompt", main); prompt.open = true; prompt.focus(); prompt.scrollIntoView({ block: "nearest" }); },
        v: () => {
          const one = current || cards[0], two = cards[(cards.indexOf(one) + 1) % k];
          $("[data-compare-a]", main).value = letter(one); $("[data-compare-b]", main).value = letter(two);
          $("#compare-form", main).requestSubmit();
        },
      }[key];
      if (event.shiftKey || !(card || does)) return;
      event.preventDefault();
      if (card) go(card); else does();
    };
  }

  document.addEventListener("keydown", (event) => { const main = $("[data-ranking]"); if (main && main.duologueKey) main.duologueKey(event); });
  duologue.widget("[data-ranking]", begin);
})();
