// Deep links: `#/`, `#/item/123`, `#/search?q=weather`, each with an optional `user=5`. The address bar is the one place
// where the page keeps what is shown, so that back, forward, reload and a copied link all work.

export interface Route {
  readonly view: "home" | "item" | "search";
  /** Data set id when the view is `item`. */
  readonly id: string;
  /** Words searched for when the view is `search`. */
  readonly q: string;
  /** User id, or empty for a guest. */
  readonly user: string;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const user = parameters.get("user") ?? "";
  const item = /^\/item\/([^/]+)$/.exec(path);
  if (item !== null) return { view: "item", id: decode(item[1] ?? ""), q: "", user };
  if (path === "/search") return { view: "search", id: "", q: parameters.get("q") ?? "", user };
  return { view: "home", id: "", q: "", user };
}

export function formatRoute(route: Route): string {
  const query = new URLSearchParams();
  if (route.view === "search") query.set("q", route.q);
  if (route.user !== "") query.set("user", route.user);
  const path =
    route.view === "item" ? `/item/${encodeURIComponent(route.id)}` : route.view === "search" ? "/search" : "/";
  const tail = query.toString();
  return `#${path}${tail === "" ? "" : `?${tail}`}`;
}

/** The route that the address bar shows now. */
export function currentRoute(): Route {
  return parseRoute(location.hash);
}

/** A link to a data set that keeps the user. */
export function itemLink(id: string): string {
  return formatRoute({ view: "item", id, q: "", user: currentRoute().user });
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
