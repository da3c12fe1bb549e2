// The cards of the lists.
import type { Item } from "./api";
import { coverOf } from "./cover";
import { h } from "./dom";
import { formatPrice, formatScore } from "./format";
import { t } from "./i18n";
import { reasonChips } from "./reasons";
import { itemLink } from "./route";
import { attachTip } from "./tip";

/** `grid` puts the cover on top, `rows` beside the text, `ranking` is a numbered list. */
export type Layout = "grid" | "rows" | "ranking";

function scoreBar(score: number, best: number): HTMLElement {
  const share = best > 0 ? Math.min(1, Math.max(0, score / best)) : 0;
  const shown = formatScore(score);
  const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("span", { class: "bar-fill" }));
  (bar.firstElementChild as HTMLElement).style.width = `${(share * 100).toFixed(1)}%`;
  const element = h(
    "div",
    { class: "score", "data-score": score },
    bar,
    h("span", { "aria-label": t("score", { score: shown }), role: "img" }, shown),
  );
  attachTip(element, t("scoreTip", { score: shown }));
  return element;
}

function card(item: Item, position: number, best: number, layout: Layout): HTMLElement {
  const link = h(
    "a",
    { href: itemLink(item.id), class: "card-link" },
    item.title === "" ? t("dataSet", { id: item.id }) : item.title,
  );
  const price = formatPrice(item.price);
  return h(
    "li",
    { class: "card", "data-id": item.id },
    layout === "ranking" ? h("span", { class: "position", "aria-hidden": "true" }, String(position)) : null,
    coverOf(item.title, item.cover),
    h(
      "div",
      { class: "card-body" },
      h("h3", { class: "card-title", title: item.title }, link),
      layout === "ranking" ? null : reasonChips(item.channels),
      h(
        "div",
        { class: "card-foot" },
        price === "" ? null : h("span", { class: price === t("free") ? "price free" : "price" }, price),
        item.score === null || layout === "ranking" ? null : scoreBar(item.score, best),
      ),
    ),
  );
}

/** The cards of a list; bars are relative to its best score. */
export function cardList(items: readonly Item[], layout: Layout): HTMLElement {
  const best = Math.max(0, ...items.map((item) => item.score ?? 0));
  return h(
    layout === "ranking" ? "ol" : "ul",
    { class: `cards ${layout}` },
    ...items.map((item, i) => card(item, i + 1, best, layout)),
  );
}

/** Grey shapes in the places where cards will be. */
export function skeleton(layout: Layout): HTMLElement {
  const n = layout === "grid" ? 6 : 5;
  const cards = Array.from({ length: n }, () =>
    h(
      "li",
      { class: "card ghost" },
      h("div", { class: "cover" }),
      h("div", { class: "card-body" }, h("span", { class: "line" }), h("span", { class: "line short" })),
    ),
  );
  return h("ul", { class: `cards ${layout}`, "aria-hidden": "true" }, ...cards);
}
