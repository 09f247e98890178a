() => { // Presses every key as an input method does while it composes; says which of them the page, or its open dialog, takes.
  const keys = [["Enter", "Enter", { ctrlKey: true }], ["Enter", "Enter"], ["Escape", "Escape"], ["ArrowUp", "ArrowUp", { altKey: true }]];
  const ways = [{}, { altKey: true }, { shiftKey: true }];
  for (const sign of "abcdefghijklmnopqrstuvwxyz") for (const held of ways) keys.push([sign, `Key${sign.toUpperCase()}`, held]);
  for (const digit of "0123456789") for (const held of ways) keys.push([digit, `Digit${digit}`, held]);
  keys.push(["=", "Equal"], ["?", "Slash", { shiftKey: true }], [".", "Period", { altKey: true }]);
  const root = document.querySelector("dialog[open]") || document.body, said = new Set();
  const editors = [...root.querySelectorAll("textarea, input:not([type=hidden])")].filter((one) => one.checkVisibility());
  const changes = new MutationObserver(() => {});
  changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  for (const target of [root, ...editors.slice(0, 4)]) {
    if (target !== document.body) target.focus();
    changes.takeRecords();
    for (const [key, code, held] of keys) for (const composed of [{ isComposing: true }, { keyCode: 229 }]) {
      const focus = document.activeElement;
      const left = target.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...held, ...composed }));
      if (!left || changes.takeRecords().length || document.activeElement !== focus) said.add(`${key} ${JSON.stringify({ ...held, ...composed })}`);
    }
  }
  changes.disconnect();
  return [...said].slice(0, 5);
}
