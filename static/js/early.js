/* Before the first paint, so that nothing jumps later; the server learns its reader's time zone. */
document.documentElement.classList.add("js");
/* What scripts say, from the page's messages; English has none. */
const catalogs = {};
function gettext(text) {
  const said = (id) => (catalogs[id] = catalogs[id] || JSON.parse((document.getElementById(id) || {}).textContent || "null")) && catalogs[id][text];
  return said("some-messages") || said("messages") || text;
}
(function () {
  "use strict";
  const zone = "zone=" + Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!document.cookie.split("; ").includes(zone)) {
    const site = new URL("../..", document.currentScript.src).pathname;
    document.cookie = `${zone}; path=${site}; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }
})();
