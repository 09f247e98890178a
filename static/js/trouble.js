/* What is done where the server answered a request of a page with an error. Fetched then. */
(function () {
"use strict";
const { $, notice } = window.duologue;
let renewedAt = 0;

duologue.trouble = (status, elt, asked) => {
  const source = asked.triggeringEvent;
  const again = () => {
    const button = source && source.submitter, form = elt.closest("form");
    if (form && elt === form) form.requestSubmit(button && button.isConnected ? button : undefined);
    else elt.click();
  };
  if (status === 401) duologue.signIn().then(again).catch(duologue.offline);
  else if (status === 403 && Date.now() - renewedAt > 10000) { renewedAt = Date.now(); duologue.renewToken().then(again); }
  else if (status === 404) notice("request", gettext("This is not there any more, or not yours: it may have ended in another tab. What you wrote still stands on this page."), "bad", [[gettext("Home"), () => location.assign(document.body.dataset.home)]]);
  else notice("request", gettext("The server could not do that (%s). Your work is still here: try again.").replace("%s", status), "bad");
};
})();
