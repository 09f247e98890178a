/* The ranking widget. The number fields are the truth; segments, the order strip, keys and dragging
 only write into them. Of two completions only four answers are asked for: pair.js. */
(function () {
"use strict";
const { $, $$, typing, singleKeys, sends, enters } = window.duologue;
const PLACES = gettext("1st 2nd 3rd 4th 5th 6th 7th 8th 9th").split(" ");
const nth = (n) => PLACES[n - 1];

function begin(main) {
  const form = $("#ranking-form", main), k = Number(form.dataset.k);
  const cards = $$("[data-card]", main), strip = $("[data-strip]", main), slots = $("[data-slots]", main);
  const field = (card) => $("input[type=number]", card);
  const placeOf = (card) => Number(field(card).value) || 0;
  const proposedOf = (card) => $("[data-proposed]", card);
  const letter = (card) => card.dataset.letter;
  const changed = (input) => input.dispatchEvent(new Event("change", { bubbles: true }));
  const seen = new Set(); // cards that were in view for a moment, or got a key
  let picked = null; // a token chosen by tap or Enter, waiting for its place
  let current = null, pushes = false; // `pushes`: R was pressed, a digit follows

  function write(card, place, proposed) {
    const input = field(card), value = place ? String(place) : "";
    proposedOf(card).value = proposed ? "1" : "";
    if (input.value === value) return;
    input.value = value;
    changed(input);
  }
  function put(card, place) {
    seen.add(card);
    write(card, place, false);
    propose();
  }
  /* Into a place of its own: what stands there and below goes down, as far as there is room. */
  function push(card, place) {
    const others = cards.filter((other) => other !== card && placeOf(other) && !proposedOf(other).value);
    const taken = new Set(others.map(placeOf));
    let end = place;
    while (taken.has(end)) end += 1;
    if (end > k) { // no room below: places are counted afresh from the first
      const order = [...taken].sort((a, b) => a - b);
      const at = order.filter((other) => other < place).length;
      others.forEach((other) => { const i = order.indexOf(placeOf(other)); write(other, i + (i < at ? 1 : 2), false); });
      place = at + 1;
    } else others.filter((other) => placeOf(other) >= place && placeOf(other) < end).forEach((other) => write(other, placeOf(other) + 1, false));
    put(card, place);
  }
  /* The place left is proposed for the last card, and filled in once that was in view. */
  function propose() {
    if (k < 3) { draw(); return; }
    cards.forEach((card) => { if (proposedOf(card).value) write(card, 0, false); });
    const left = cards.filter((card) => !placeOf(card)), last = left.length === 1 && left[0];
    cards.forEach((card) => card.removeAttribute("data-proposal"));
    if (last) {
      const taken = new Set(cards.map(placeOf));
      let place = 1;
      while (taken.has(place)) place += 1;
      last.dataset.proposal = place;
      if (seen.has(last)) write(last, place, true);
    }
    draw();
  }
  const saw = (card) => { if (seen.has(card)) return; seen.add(card); if (card.dataset.proposal && !placeOf(card)) propose(); };

  cards.forEach((card) => {
    const group = document.createElement("div");
    group.className = "segments"; group.setAttribute("role", "group"); group.setAttribute("aria-label", gettext("Place of %s").replace("%s", letter(card)));
    for (let n = 1; n <= k; n++) {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = nth(n); button.dataset.place = n;
      button.setAttribute("aria-label", gettext("%s in place {n}").replace("%s", letter(card)).replace("{n}", n));
      button.addEventListener("click", () => put(card, placeOf(card) === n && !proposedOf(card).value ? 0 : n));
      group.append(button);
    }
    $(".place-field", card).append(group);
    $$(".rate input", card).forEach((radio) => {
      radio.addEventListener("pointerdown", () => { radio.wasChecked = radio.checked; });
      radio.addEventListener("click", () => {
        if (!radio.wasChecked) return;
        radio.checked = radio.wasChecked = false;
        changed(radio);
      });
    });
  });
  strip.hidden = k < 3;
  slots.append(...[0, ...Array.from({ length: k }, (_, i) => i + 1)].map((n) => {
    const slot = document.createElement("li");
    slot.className = "slot" + (n ? "" : " unplaced"); slot.dataset.slot = n;
    const name = document.createElement("button");
    name.type = "button"; name.className = "slot-name"; name.textContent = n ? nth(n) : gettext("To place");
    slot.append(name);
    slot.addEventListener("click", (event) => {
      if (event.target.closest(".token") || !picked) return;
      const card = picked; picked = null;
      put(card, n);
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
      const here = cards.filter((card) => placeOf(card) === Number(slot.dataset.slot));
      here.forEach((card) => {
        const token = document.createElement("button"), proposed = Boolean(proposedOf(card).value);
        token.type = "button"; token.className = "token"; token.textContent = token.dataset.letter = letter(card);
        token.toggleAttribute("data-proposed", proposed);
        token.setAttribute("aria-pressed", picked === card);
        token.setAttribute("aria-label", `${letter(card)}, ${slot.dataset.slot === "0" ? gettext("not placed") : nth(Number(slot.dataset.slot))}${proposed ? `, ${gettext("proposed")}` : ""}. ${gettext("Choose it, then a place")}`);
        grab(token, card, (event) => {
          if (event.detail && !event.pointerType && event.type !== "click") return;
          picked = picked === card ? null : card; draw();
        });
        slot.append(token);
      });
      if (here.length > 1 && slot.dataset.slot !== "0") { const tie = document.createElement("span"); tie.className = "slot-tie"; tie.textContent = gettext("tie"); slot.append(tie); }
      slot.toggleAttribute("data-full", here.length > 0);
      if (slot.dataset.slot === "0") slot.hidden = !here.length && !picked;
      else if (here.length) used.add(Number(slot.dataset.slot));
    });
    cards.forEach((card) => {
      const hint = $("[data-hint]", card), proposal = card.dataset.proposal;
      hint.textContent = !proposal ? "" : proposedOf(card).value ? gettext("proposed") : gettext("%s is left: read this one first").replace("%s", nth(Number(proposal)));
      $$("[data-place]", card).forEach((button) => button.setAttribute("aria-pressed", button.dataset.place === field(card).value));
    });
    if (focused) { const token = $(`.token[data-letter="${focused}"]`, slots); if (token) token.focus(); }
    const places = [...used].sort((a, b) => a - b);
    $$("[data-gap]", main).forEach((gap, i) => {
      gap.hidden = i + 1 >= places.length;
      const names = (n) => cards.filter((card) => placeOf(card) === n).map(letter).join(", ");
      if (!gap.hidden) $("[data-gap-name]", gap).textContent = gettext("%s over {other}").replace("%s", names(places[i])).replace("{other}", names(places[i + 1]));
    });
    const strengths = $("[data-strengths]", main);
    if (strengths) strengths.hidden = places.length < 2;
    const grades = cards.map(gradeOf), offer = $("[data-by-grades]", main);
    if (offer) offer.hidden = k < 3 || grades.some((grade) => !grade) || byGrades().every((place, i) => place === placeOf(cards[i]));
    main.dispatchEvent(new Event("ranking:drawn"));
    document.documentElement.style.setProperty("--strip", getComputedStyle(strip).position === "sticky" && innerWidth > 719 ? strip.offsetHeight + "px" : "0px");
  }

  /* the order that the grades give */
  const gradeOf = (card) => { // of several criteria, their sum, once all are graded
    const rates = $$(".rate", card), given = rates.map((rate) => $("input:checked", rate));
    return given.every(Boolean) ? Math.round(1e6 * given.reduce((sum, one, i) => sum + one.value / $$("input", rates[i]).length, 0)) : 0;
  };
  const byGrades = () => {
    const order = [...new Set(cards.map(gradeOf))].sort((a, b) => b - a);
    return cards.map((card) => order.indexOf(gradeOf(card)) + 1);
  };
  const orderByGrades = () => {
    const offer = $("[data-by-grades]", main);
    if (!offer || cards.some((card) => !gradeOf(card))) return;
    main.place(byGrades());
  };
  if ($("[data-by-grades]", main)) $("[data-by-grades]", main).addEventListener("click", orderByGrades);

  /* dragging, by pointer events: the same for mouse, pen and touch */
  function grab(handle, card, tap) {
    let ghost = null, startX = 0, startY = 0;
    const over = (event) => { const under = document.elementFromPoint(event.clientX, event.clientY); return under && under.closest(".slot"); };
    const between = (event, slot) => { const left = slot.getBoundingClientRect().left; return slot.dataset.slot !== "0" && slot.dataset.full === "" && event.clientX < left + Math.min(10, slot.offsetWidth / 5); };
    const unmark = () => $$("[data-over], [data-before]", slots).forEach((slot) => { slot.removeAttribute("data-over"); slot.removeAttribute("data-before"); });
    const clear = () => { unmark(); if (ghost) ghost.remove(); ghost = null; handle.classList.remove("dragging"); };
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
      unmark();
      const slot = over(event);
      if (slot) slot.setAttribute(between(event, slot) ? "data-before" : "data-over", "");
    });
    handle.addEventListener("pointerup", (event) => {
      const far = handle.hasPointerCapture(event.pointerId) && Math.hypot(event.clientX - startX, event.clientY - startY) >= 6;
      const dragged = Boolean(ghost) || far, slot = dragged && over(event); // a busy browser may not have told of any move
      clear();
      handle.wasDragged = dragged;
      if (slot) { picked = null; (between(event, slot) ? push : put)(card, Number(slot.dataset.slot)); }
      if (dragged) draw();
    });
    handle.addEventListener("pointercancel", clear);
    handle.addEventListener("click", (event) => { if (handle.wasDragged) { handle.wasDragged = false; return; } if (tap) tap(event); });
  }
  if (k > 2) cards.forEach((card) => { const badge = $(".letter", card); badge.classList.add("grip"); grab(badge, card, null); });

  function flagNames(card) {
    const box = $("[data-flag-names]", card);
    if (!box) return;
    box.replaceChildren(...$$(".chips input:checked", card).map((input) => {
      const tag = document.createElement("span"); tag.className = "tag warn"; tag.textContent = input.parentElement.textContent; return tag;
    }).flatMap((tag) => [tag, document.createTextNode(" ")]));
  }
  form.addEventListener("change", (event) => {
    const card = event.target.closest("[data-card]");
    if (event.target.matches("input[type=number], .rate input")) draw();
    if (card && event.target.matches(".chips input")) flagNames(card);
  });
  form.addEventListener("draft:restored", () => { draw(); cards.forEach(flagNames); duologue.start(); });
  addEventListener("resize", () => main.isConnected && draw());

  /* which card is read, and for how long */
  const shown = new Map(); // card: how much of it is in view
  const watch = new IntersectionObserver((entries) => entries.forEach(({ target, intersectionRatio: ratio, intersectionRect: rect }) => {
    const enough = ratio >= 0.6 || rect.height > innerHeight * 0.4;
    shown.set(target, enough ? rect.height : 0);
    if (enough) setTimeout(() => { if (shown.get(target)) saw(target); }, 400);
  }), { threshold: [0, 0.3, 0.6, 0.9] });
  cards.forEach((card) => watch.observe(card));
  let pointed = null;
  main.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") pointed = event.target.closest("[data-card]"); });
  const tick = setInterval(() => {
    if (!main.isConnected) { clearInterval(tick); watch.disconnect(); return; }
    if (!duologue.active || !duologue.active()) return;
    const inView = cards.filter((card) => shown.get(card)).sort((a, b) => shown.get(b) - shown.get(a));
    const card = pointed || (inView.includes(current) ? current : inView[0]);
    if (card) { const read = $("[data-read]", card); read.value = Number(read.value) + 1; }
  }, 1000);

  /* keys */
  const mark = (card) => { current = card; cards.forEach((other) => other.toggleAttribute("data-current", other === card)); };
  const go = (card) => {
    if (!card) return;
    mark(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  };
  const free = (at) => [...cards.slice(at + 1), ...cards.slice(0, at + 1)].find((card) => !placeOf(card) || proposedOf(card).value);
  const last = cards.find((card) => proposedOf(card).value);
  if (last) { seen.add(last); last.dataset.proposal = field(last).value; }
  mark(free(-1) || cards[0]);
  main.place = (places) => { places.forEach((place, i) => { seen.add(cards[i]); write(cards[i], place, false); }); propose(); };
  draw();
  main.addEventListener("focusin", (event) => {
    const card = event.target.closest("[data-card]");
    if (card && card !== current) mark(card);
  });
  main.duologueKey = (event) => {
    const all = sends(event);
    if (all || enters(event)) { // not the form's first button
      const menu = event.target.closest("[data-pop][open]");
      event.preventDefault();
      if (menu || all) $(menu ? "button" : ".actions button.primary", menu || main).click();
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); go(current || cards[0]); return; }
    if (typing(event.target) || !singleKeys()) return;
    const digit = event.key !== "=" && /^(Digit|Numpad)\d$/.test(event.code) ? Number(event.code.slice(-1)) : null;
    const elsewhere = event.target.closest(".actions, .finish, .asked a, .pop");
    const inside = event.target.closest("[data-card]") || (elsewhere ? null : current);
    if (digit !== null) {
      if (!inside) return;
      event.preventDefault();
      const at = cards.indexOf(inside), pushing = pushes || event.altKey;
      pushes = false;
      seen.add(inside);
      if (event.shiftKey && !event.altKey) {
        const rates = $$(".rate", inside), at = event.target.closest(".rate") || rates.find((rate) => !$("input:checked", rate)) || rates[rates.length - 1];
        const rate = at && $(`input[value="${digit}"]`, at);
        if (rate) { rate.checked = true; changed(rate); }
      }
      else if (digit <= k && k > 2) {
        (pushing && digit ? push : put)(inside, digit);
        if (digit) go(free(at) || inside);
      }
      return;
    }
    if (event.altKey) return;
    const key = event.key.toLowerCase();
    const at = cards.indexOf(current);
    const card = key.length === 1 && cards.find((one) => letter(one).toLowerCase() === key);
    const does = {
      j: () => go(cards[Math.min(at + 1, k - 1)]), k: () => go(cards[Math.max(at - 1, 0)]),
      m: () => go(free(at) || current || cards[0]),
      r: () => { pushes = k > 2; },
      t: () => { const flags = current && $(".flags", current); if (flags) { flags.open = true; $(".chips input", flags).focus(); } },
      x: () => { const fold = current && $(".fold-toggle", current); if (fold) fold.checked = !fold.checked; },
      o: () => { const source = current && $(".source-toggle", current); if (source) source.checked = !source.checked; },
      s: () => { const skip = $("[data-skip]", main); if (skip) { skip.open = true; $("input", skip).focus(); } },
      p: () => { const prompt = $("#prompt", main); prompt.open = true; prompt.focus(); prompt.scrollIntoView({ block: "nearest" }); },
      v: () => {
        const one = current || cards[0], two = cards[(cards.indexOf(one) + 1) % k];
        $("[data-compare-a]", main).value = letter(one); $("[data-compare-b]", main).value = letter(two);
        $("#compare-form", main).requestSubmit();
      },
      "=": orderByGrades,
    };
    /* What says its own key, on the card or the page: a button is pressed, a field focused. */
    const own = /^[a-z]$/i.test(event.key) && [current || main, main].map((part) => $(`[data-key=${event.shiftKey ? event.key : key}]`, part)).find(Boolean);
    if (own) { event.preventDefault(); own.matches("a, button") ? own.click() : own.focus(); return; }
    const act = card ? () => { saw(card); go(card); } : does[key];
    if (key !== "r") pushes = false;
    if ((event.shiftKey && key !== "=") || !act) return;
    event.preventDefault();
    act();
  };
}

duologue.keys((event) => { const main = $("[data-ranking]"); if (main && main.duologueKey) main.duologueKey(event); });
duologue.widget("[data-ranking]", begin);
})();
