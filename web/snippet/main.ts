// The tracking snippet that a marketplace's pages load: the page's side of the tracking contract, version 1 (docs/tracking.md).
// It names the request and the position in the links of a list, tells Matomo of a click, tells Matomo of the request on the page
// that a click leads to, and posts exposures of lists that came from a cache. Whatever goes wrong stays inside.

type Id = number | string;
type Item = Id | { dataset_id: Id };
interface List {
  /** The answer's request_id; null for a list from a cache, which then gets an id, and exposures where they are switched on. */
  requestId?: string | null;
  /** The answer's items, or their ids, in the order shown: position 1 first. */
  items: Item[];
  userId?: Id;
}
interface Tracked {
  id: string;
  requestId: string;
  position: number;
}
type Command = [string, ...unknown[]] | [() => void];
interface Queue {
  push(command: Command): void;
}
interface Page {
  _paq?: Queue | Command[];
  Matomo?: { getAsyncTracker(): { getVisitorId(): string } };
  lodestone?: unknown;
}
type Api = Record<string, (...given: never[]) => unknown>;

const page = window as unknown as Page;
const settings = document.currentScript?.dataset ?? {};
const dimension = Number(settings["dimension"]) || 1;
const links = new WeakMap<EventTarget, Tracked>();
/** Each (request, data set) counts once, however often it is clicked or drawn. */
const clicked = new Set<string>();
let ownVisitor: string | undefined;
let isLanding = false;

/** `f`, but nothing that it throws reaches the page. */
function guard<Arguments extends unknown[], Result>(f: (...given: Arguments) => Result) {
  return (...given: Arguments): Result | undefined => {
    try {
      return f(...given);
    } catch {
      return undefined;
    }
  };
}

function hex(bytes: number) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => (byte + 256).toString(16).slice(1)).join("");
}

/** req_ and a random UUID (RFC 9562, version 4, the two bits after the variant always 0). randomUUID() is missing without TLS. */
function requestId() {
  return hex(16).replace(/(.{8})(.{4}).(.{3}).(.{3})/, "req_$1-$2-4$3-8$4-");
}

/** Matomo's queue: an array until it is loaded, its own object then, so it is read anew each time. */
function queue() {
  return (page._paq = page._paq ?? []);
}

/** Before what waits in Matomo's queue when it is not loaded yet, so that the page view carries it as well. */
function pushFirst(command: Command) {
  const waiting = queue();
  if (Array.isArray(waiting)) waiting.unshift(command);
  else waiting.push(command);
}

/** Matomo's visitor, from its tracker or its cookie; else one of our own, kept in this browser. */
function visitorId() {
  const matomo = guard(() => page.Matomo?.getAsyncTracker().getVisitorId())();
  const known = matomo ?? guard(() => /_pk_id[^=]*=([0-9a-f]{16})/.exec(document.cookie)?.[1])();
  if (known) return known;
  const key = "lodestone_visitor";
  ownVisitor = guard(() => localStorage.getItem(key))() ?? ownVisitor ?? hex(8);
  guard(() => localStorage.setItem(key, ownVisitor as string))();
  return ownVisitor;
}

/** The link with from, rid and pos in its query, or in that of its route where the fragment is one (#/path). */
function decorate(href: string, { requestId, position }: Tracked) {
  const parts = /^([^]*?#!?\/[^?#]*|[^?#]*)\??([^#]*)([^]*)$/.exec(href.trim()) as RegExpExecArray;
  const [, path, query = "", fragment] = parts;
  const kept = query.split("&").filter((part) => part && !/^(from|rid|pos)(=|$)/.test(part));
  return `${path}?${[...kept, "from=recommend", `rid=${requestId}`, `pos=${position}`].join("&")}${fragment}`;
}

function postExposures(ids: string[], request: string, userId?: Id) {
  const url = settings["events"];
  if (!url || !ids[0]) return;
  const at = new Date().toISOString();
  const visitor = visitorId();
  const body = JSON.stringify(
    ids.map((id, index) => ({
      event_id: `exposure:${request}:${index + 1}`,
      kind: "exposure",
      user_id: userId == null ? undefined : +userId,
      visitor_id: visitor,
      dataset_id: +id,
      at,
      request_id: request,
      position: index + 1,
    })),
  );
  const type = "application/json";
  if (guard(() => navigator.sendBeacon(url, new Blob([body], { type })))()) return;
  void fetch(url, { method: "POST", body, headers: { "Content-Type": type }, keepalive: true }).catch(() => undefined);
}

/** Marks the links of a list that is on the page now; gives the request's id. Call it again when the list is drawn again. */
function track(container: Element | string, list: List) {
  const root = typeof container === "string" ? document.querySelector(container) : container;
  const ids = list.items.map((item) => String(typeof item === "object" ? item.dataset_id : item));
  if (!root) return undefined;
  const request = list.requestId || requestId();
  root.querySelectorAll<HTMLAnchorElement>("a[href]").forEach((link) => {
    const href = link.getAttribute("href") as string;
    const id =
      link.closest<HTMLElement>("[data-dataset-id]")?.dataset["datasetId"] ?? /data(?:API)?Detail\/(\d+)/.exec(href)?.[1];
    const position = ids.indexOf(id as string) + 1;
    if (!position || !/^http/.test(link.protocol)) return;
    const tracked = { id: id as string, requestId: request, position };
    links.set(link, tracked);
    link.setAttribute("href", decorate(href, tracked));
  });
  if (!list.requestId) guard(postExposures)(ids, request, list.userId);
  return request;
}

/** Tells Matomo of the request that led to this address. Applications of one page call it at each change of route. */
function landing() {
  const request = /[?&]rid=(req_[A-Za-z0-9-]{8,64})(?![^&#])/.exec(location.href)?.[1];
  if (request) pushFirst(["setCustomDimension", dimension, request]);
  else if (isLanding) pushFirst(["deleteCustomDimension", dimension]);
  isLanding = !!request;
}

/** A click, a tap or a key comes as click, the middle button as auxclick; other buttons open no link. */
function count(event: Event) {
  if ((event as MouseEvent).button > 1) return;
  const hit = event.composedPath().map((node) => links.get(node)).find(Boolean);
  if (!hit) return;
  const key = hit.requestId + hit.id;
  if (clicked.has(key)) return;
  clicked.add(key);
  // The dimension of this event alone; a page that is itself a landing keeps its own.
  const own = { [`dimension${dimension}`]: hit.requestId };
  queue().push(["trackEvent", "Recommendation", "Click", `dataset_${hit.id}`, hit.position, own]);
}

guard(() => {
  const push = guard(([name, ...given]: [string, ...never[]]) => api[name]?.(...given));
  const api: Api = {
    track: guard(track),
    landing: guard(landing),
    requestId: guard(requestId),
    visitorId: guard(visitorId),
    push,
  };
  const waiting = page.lodestone;
  // Loaded twice: the first stays.
  if (waiting && !Array.isArray(waiting)) return;
  page.lodestone = api;
  for (const type of ["click", "auxclick"]) addEventListener(type, guard(count), true);
  guard(landing)();
  if (waiting) (waiting as [string, ...never[]][]).forEach((command) => push(command));
})();
