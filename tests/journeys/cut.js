() => { // What is wider than the box that it is shown in, where nothing says that there is more.
  const meant = ".sr, .where, .ghost, select, input, textarea"; // hidden on purpose, or scrolled by its own keys
  const cut = (one) => {
    if (one.closest(meant) || !one.textContent.trim() || one.scrollWidth <= one.clientWidth + 1) return false;
    const style = getComputedStyle(one), hides = /hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis";
    return (hides || one.matches("button, .button, .tag")) && one.clientWidth > 1 && style.clipPath === "none" && one.checkVisibility(); // 1: for a screen reader
  };
  return [...document.querySelectorAll("body *")].filter(cut).slice(0, 4).map((one) => one.outerHTML.slice(0, 140));
}
