// What the snippet's tests need: a marketplace's pages and a Matomo, served by one real HTTP server that records what it is sent.
//
// Stood in for: matomo.js, by kMatomoScript below. It consumes _paq the way the real one does (an array at first, its own object
// later; custom dimensions of the page on every request, those of one event before them) and sends the same parameters of the
// tracking HTTP API to /matomo.php. The recorder stands in for matomo.php and for the engine's POST /events, which a later release has.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";

const snippet = readFileSync(
  process.env.SNIPPET ?? new URL("../../build/web/lodestone-snippet.js", import.meta.url),
);
export const kVisitor = "0123456789abcdef";
export const kRequest = "req_5abb7154-da65-4911-9e5f-8d3d35193541";
/** Matomo's number of the dimension; its column may have another (docs/tracking.md). */
export const kDimension = 7;

const kMatomoScript = `(() => {
  const dimensions = {};
  const tracker = { getVisitorId: () => "${kVisitor}" };
  const send = (fields, own = {}) => {
    const all = { ...dimensions, ...own };
    const body = new URLSearchParams({ idsite: "1", rec: "1", _id: "${kVisitor}", url: location.href, ...fields, ...all });
    navigator.sendBeacon("/matomo.php", body);
  };
  const methods = {
    setCustomDimension: (id, value) => (dimensions["dimension" + id] = value),
    deleteCustomDimension: (id) => delete dimensions["dimension" + id],
    trackPageView: () => send({ action_name: document.title }),
    trackEvent: (category, action, name, value, own) => send({ e_c: category, e_a: action, e_n: name, e_v: value }, own),
  };
  const push = ([name, ...given]) => (typeof name === "function" ? name.call(tracker) : methods[name](...given));
  const waiting = window._paq ?? [];
  window.Matomo = { getAsyncTracker: () => tracker };
  window._paq = { push };
  waiting.forEach(push);
})();`;

/** A page; `tags` are its script elements. Its own script writes every error to window.faults. */
function pageOf(tags, body = "") {
  return `<!doctype html><title>Page</title><link rel="icon" href="data:,"><script>window.faults = [];
addEventListener("error", (event) => faults.push(event.message));
addEventListener("unhandledrejection", (event) => faults.push(String(event.reason)));</script>${tags}<body>${body}`;
}

/** Starts the server. `pages` maps a path to tags and body; any other page has Matomo and the snippet. */
export async function startSite(pages = {}) {
  const hits = [];
  const exposures = [];
  let changed = () => undefined;
  const usual = `<script src="/snippet.js" data-dimension="${kDimension}"></script><script>_paq = window._paq || [];
_paq.push(["trackPageView"]);</script><script src="/matomo.js"></script>`;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
      const { pathname } = new URL(request.url, "http://x");
      const answer = (status, type, body) => response.writeHead(status, { "Content-Type": type }).end(body);
      if (pathname === "/snippet.js") return answer(200, "text/javascript", snippet);
      if (pathname === "/matomo.js") return answer(200, "text/javascript", kMatomoScript);
      if (pathname === "/matomo.php" || pathname === "/events") {
        if (pathname === "/events") {
          exposures.push({ method: request.method, type: request.headers["content-type"], events: JSON.parse(text) });
        } else hits.push(Object.fromEntries(new URLSearchParams(text)));
        changed();
        return answer(pathname === "/events" ? 202 : 204, "application/json", pathname === "/events" ? "{}" : undefined);
      }
      const { tags = usual, body = "" } = pages[pathname] ?? {};
      answer(200, "text/html; charset=utf-8", pageOf(tags, body));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const until = async (done) => {
    while (!done()) await new Promise((resolve) => (changed = resolve));
  };
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    hits,
    exposures,
    clicks: () => hits.filter((hit) => hit.e_c === "Recommendation"),
    views: () => hits.filter((hit) => hit.action_name !== undefined),
    until,
    stop: () => {
      server.closeAllConnections?.();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A list of three data sets: a link with a query and a fragment, a relative one with an image, one named by an attribute. */
export const kList = `<div id="list">
<p><a id="a" href="/dataDetail/42?q=a%20b&flag#top">forty-two</a></p>
<p data-dataset-id="7"><a id="b" href="dataDetail/7"><b id="inner">seven</b></a><a id="b2" href="/buy">buy</a></p>
<p data-dataset-id="99"><a id="c" href="/x?from=mail&rid=old&pos=9">ninety-nine</a><a id="d" href="mailto:a@b">mail</a></p>
<p><a id="e" href="/dataDetail/1000">not of the list</a></p></div>`;
