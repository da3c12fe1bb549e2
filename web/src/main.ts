// The console page: what the address bar says is what is shown. One function per part of the page; the lists themselves
// are Panels.
import {
  type Demo,
  type Item,
  type Problem,
  type SampleUser,
  type Timeframe,
  fetchDemo,
  fetchForUser,
  fetchItem,
  fetchRecommendedHere,
  fetchSimilar,
  fetchTrending,
  findKnownItem,
  search,
  watchCalls,
} from "./api";
import { coverOf } from "./cover";
import { byId, h } from "./dom";
import { formatCount, formatPrice } from "./format";
import { type Word, currentLanguage, setLanguage, t, translatePage } from "./i18n";
import { drawCall, drawNotice } from "./notice";
import { Panel, asProblem, problemBox } from "./panel";
import { drawLegend } from "./reasons";
import { type Route, currentRoute, formatRoute } from "./route";
import { SearchBox } from "./search";
import { makeTabs, markTab } from "./tabs";
import { hideTip, watchTip } from "./tip";
import { drawHistory, drawUsers, userName } from "./users";

const kTimeWords: Record<Timeframe, Word> = { "1h": "time1h", "24h": "time24h", "7d": "time7d" };
const kSearchPageLimit = 24;

let demo: Demo | undefined;
let timeframe: Timeframe = "24h";
/** What the lists show now, so that only what a new route changes is asked for again. */
let shown: Route | undefined;
let shownItem: Item | undefined;

const time = (): string => t(kTimeWords[timeframe]);

const forYou = new Panel(byId("for-you"), {
  layout: "grid",
  title: () => t("forYou"),
  loading: () => t("loadingFor"),
  empty: () => t("emptyFor"),
});
const trending = new Panel(byId("trending"), {
  layout: "ranking",
  title: () => t("trending"),
  loading: () => t("loadingTrending"),
  empty: () => t("emptyTrending", { time: time() }),
});
const similar = new Panel(byId("similar"), {
  layout: "rows",
  title: () => t("similar"),
  loading: () => t("loadingSimilar"),
  empty: () => t("emptySimilar"),
});
const here = new Panel(byId("here"), {
  layout: "rows",
  title: () => t("hereFor", { who: userName(currentRoute().user) }),
  loading: () => t("loadingFor"),
  empty: () => t("emptyFor"),
});
const found = new Panel(byId("found"), {
  layout: "grid",
  title: () => searchTitle(currentRoute().q),
  loading: () => t("searching"),
  empty: () => t("searchNone", { q: currentRoute().q }),
});

function users(): readonly SampleUser[] {
  return demo?.users ?? [];
}

function searchTitle(q: string): string {
  return q === "" ? t("searchTitleAll") : t("searchTitle", { q });
}

function go(change: Partial<Route>): void {
  location.hash = formatRoute({ ...currentRoute(), ...change });
}

function showTrending(next: Timeframe): void {
  timeframe = next;
  markTab(next);
  byId("trending-sub").textContent = t("trendingSub", { time: time() });
  void trending.load(() => fetchTrending(next));
}

function drawItemHead(id: string): void {
  const item = shownItem;
  const head = byId("item-head");
  if (item === undefined) {
    head.replaceChildren(
      h("div", { class: "cover ghost" }),
      h(
        "div",
        {},
        h("h1", { id: "item-title", tabindex: -1 }, t("dataSet", { id })),
        h("p", { class: "sentence" }, t("loadingItem")),
      ),
    );
    return;
  }
  const title = item.title === "" ? t("dataSet", { id }) : item.title;
  const price = formatPrice(item.price);
  head.replaceChildren(
    coverOf(item.title, item.cover),
    h(
      "div",
      {},
      h("h1", { id: "item-title", tabindex: -1 }, title),
      h(
        "p",
        { class: "item-facts" },
        price === ""
          ? null
          : h("span", { class: price === t("free") ? "price free" : "price", id: "item-price" }, price),
        h("span", { class: "item-id" }, t("dataSet", { id })),
      ),
    ),
  );
}

/** One box instead of two lists when the data set itself is what is wrong. */
function showMissing(problem: Problem | undefined, id: string): void {
  byId("item-found").hidden = problem !== undefined;
  byId("item-missing").replaceChildren(...(problem === undefined ? [] : [problemBox(problem, () => showItem(id))]));
}

function drawHereHead(user: string): void {
  byId("here-title").textContent = t("hereFor", { who: userName(user) });
  byId("here-sub").textContent = t(user === "" ? "hereSubGuest" : "hereSubUser");
}

async function fillItemHead(id: string): Promise<void> {
  const known = findKnownItem(id);
  let item = known;
  try {
    item ??= await fetchItem(id);
  } catch {
    // The lists below are the answer; a card that cannot be had leaves the number of the data set as its title.
  }
  if (shown?.id !== id) return;
  shownItem = item ?? { id, title: "", price: undefined, cover: null, score: null, channels: [] };
  drawItemHead(id);
  setDocumentTitle();
}

/** Asks for the neighbours first: they tell whether the data set exists. */
async function showItem(id: string): Promise<void> {
  const { user } = currentRoute();
  showMissing(undefined, id);
  shownItem = findKnownItem(id);
  drawItemHead(id);
  drawHereHead(user);
  similar.expect();
  here.expect();
  const list = await similar.load(() => fetchSimilar(id));
  if (shown?.id !== id || shown.view !== "item") return;
  const problem = similar.problem;
  if (list === undefined && problem !== undefined && problem.status >= 400 && problem.status < 500) {
    showMissing(problem, id);
    return;
  }
  void fillItemHead(id);
  showHere(id, currentRoute().user);
}

function showHere(id: string, user: string): void {
  drawHereHead(user);
  void here.load(() => fetchRecommendedHere(id, user));
}

function showForYou(user: string): void {
  drawHistory(byId("for-you-sub"), users(), user);
  void forYou.load(() => fetchForUser(user));
}

function setDocumentTitle(): void {
  const route = currentRoute();
  const part =
    route.view === "item"
      ? (shownItem?.title ?? t("dataSet", { id: route.id }))
      : route.view === "search"
        ? searchTitle(route.q)
        : "";
  document.title = part === "" ? "Lodestone" : `${part} · Lodestone`;
}

function drawLinks(user: string): void {
  const home = formatRoute({ view: "home", id: "", q: "", user });
  for (const id of ["brand", "home-link", "search-home-link"]) byId(id).setAttribute("href", home);
}

/** Brings the page to what the address bar says. */
function follow(): void {
  const route = currentRoute();
  const before = shown;
  shown = route;
  hideTip();
  for (const view of ["home", "item", "search"] as const) byId(`view-${view}`).hidden = view !== route.view;
  drawUsers(users(), route.user);
  drawLinks(route.user);
  const isNewPlace =
    before === undefined || before.view !== route.view || before.id !== route.id || before.q !== route.q;
  const isNewUser = before?.user !== route.user;
  if (route.view === "home" && (isNewPlace || isNewUser)) showForYou(route.user);
  if (route.view === "home" && isNewPlace) showTrending(timeframe);
  if (route.view === "item" && isNewPlace) void showItem(route.id);
  else if (route.view === "item" && isNewUser && !byId("item-found").hidden) showHere(route.id, route.user);
  if (route.view === "search" && (isNewPlace || isNewUser)) {
    byId("search-title").textContent = searchTitle(route.q);
    void found.load(() => search(route.q, kSearchPageLimit));
  }
  if (isNewUser) for (const panel of [trending, similar]) panel.redraw(); // Their links carry the user.
  setDocumentTitle();
  if (isNewPlace && before !== undefined) {
    window.scrollTo(0, 0);
    const target = route.view === "item" ? "item-title" : route.view === "search" ? "search-title" : "main";
    byId(target).focus({ preventScroll: true });
  }
}

/** Writes every sentence again, in the language chosen, without asking the server anything. */
function drawWords(): void {
  const route = currentRoute();
  translatePage();
  const button = byId("lang");
  button.textContent = currentLanguage() === "zh" ? "English" : "中文";
  button.lang = currentLanguage() === "zh" ? "en" : "zh";
  const count = demo?.itemCount ?? null;
  byId("hero-text").textContent = count === null ? t("homeTextPlain") : t("homeText", { n: formatCount(count) });
  drawNotice(demo);
  drawLegend(byId("legend-list"));
  drawUsers(users(), route.user);
  drawHistory(byId("for-you-sub"), users(), route.user);
  byId("trending-sub").textContent = t("trendingSub", { time: time() });
  byId("search-title").textContent = searchTitle(route.q);
  drawHereHead(route.user);
  if (route.view === "item") drawItemHead(route.id);
  for (const panel of [forYou, trending, similar, here, found]) panel.redraw();
  setDocumentTitle();
}

async function loadDemo(): Promise<void> {
  try {
    demo = await fetchDemo();
    byId("bundle-id").textContent = demo.bundleId === "" ? "–" : demo.bundleId;
    drawWords();
  } catch (error) {
    byId("notice").hidden = false;
    byId("notice-text").replaceChildren(problemBox(asProblem(error), () => void loadDemo()));
  }
}

function start(): void {
  watchCalls(drawCall);
  watchTip();
  makeTabs(showTrending);
  const box = new SearchBox({
    open: (id) => {
      box.setText("");
      go({ view: "item", id, q: "" });
    },
    showAll: (q) => go({ view: "search", id: "", q }),
  });
  byId<HTMLSelectElement>("user").addEventListener("change", (event) =>
    go({ user: (event.target as HTMLSelectElement).value }),
  );
  byId("lang").addEventListener("click", () => {
    setLanguage(currentLanguage() === "zh" ? "en" : "zh");
    drawWords();
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // The address bar belongs to the route.
    byId("main").focus();
  });
  window.addEventListener("hashchange", follow);
  drawWords();
  follow();
  void loadDemo();
}

start();
