/* Runs before the first paint: says that scripts are on, so that nothing jumps afterwards. */
document.documentElement.classList.add("js");
