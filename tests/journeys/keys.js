() => { // Presses every key as an input method does while it composes, and as a keyboard whose Alt prints; says which of them the page, or its open dialog, takes.
  const letters = [..."abcdefghijklmnopqrstuvwxyz"].map((sign) => [sign, `Key${sign.toUpperCase()}`]);
  const signs = [...letters, ...[..."0123456789"].map((digit) => [digit, `Digit${digit}`])];
  const keys = [["Enter", "Enter", { ctrlKey: true }], ["Enter", "Enter"], ["Escape", "Escape"], ["ArrowUp", "ArrowUp", { altKey: true }]];
  for (const [key, code] of signs) for (const held of [{}, { altKey: true }, { shiftKey: true }]) keys.push([key, code, held]);
  keys.push(["=", "Equal"], ["?", "Slash", { shiftKey: true }], [".", "Period", { altKey: true }]);
  const composed = keys.flatMap(([key, code, held]) => [{ isComposing: true }, { keyCode: 229 }].map((how) => ({ key, code, ...held, ...how })));
  const graph = { altKey: true, ctrlKey: true, modifierAltGraph: true }, option = { altKey: true };
  const printed = [...signs, [".", "Period"]].flatMap(([, code]) => [{ key: "¶", code, ...graph }, { key: "¶", code, ...option }, { key: "Dead", code, ...option }]);
  printed.push({ key: "Enter", code: "Enter", ...graph });
  const root = document.querySelector("dialog[open]") || document.body, said = new Set();
  const editors = [...root.querySelectorAll("textarea, input:not([type=hidden])")].filter((one) => one.checkVisibility());
  const prints = (one) => one.matches("textarea, input") && !one.matches("[type=checkbox], [type=radio], [aria-readonly]");
  const changes = new MutationObserver(() => {});
  changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const press = (target, what, events) => {
    if (target !== document.body) target.focus();
    changes.takeRecords();
    for (const event of events) {
      const focus = document.activeElement;
      const left = target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...event }));
      if (!left || changes.takeRecords().length || document.activeElement !== focus) said.add(`${what}: ${JSON.stringify(event)}`);
    }
  };
  for (const target of [root, ...editors.slice(0, 4)]) press(target, "takes a key of an input method", composed);
  Object.defineProperty(navigator, "platform", { value: "MacIntel", configurable: true });
  for (const target of editors.filter(prints).slice(0, 4)) press(target, "takes a key that prints", printed);
  delete navigator.platform;
  changes.disconnect();
  return [...said].slice(0, 5);
}
