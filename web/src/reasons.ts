// The channels that a reason may name, each with a word, a colour (a class of app.css) and a sentence in plain words.
import type { Channel } from "./api";
import { h } from "./dom";
import { formatScore } from "./format";
import { isWord, t } from "./i18n";
import { attachTip } from "./tip";

/** Channels in the order in which the legend explains them. */
const kChannels = [
  "behavior",
  "content",
  "popular",
  "vector",
  "tag",
  "category",
  "price",
  "usercf",
  "sequence",
  "trending",
  "new",
  "exploration",
  "fallback",
];

/** `fallback:popular` is the channel `fallback` with the source `popular`. */
function splitName(name: string): { readonly base: string; readonly source: string } {
  const [base = "", source = ""] = name.split(/:(.*)/s);
  return { base, source };
}

function label(base: string): string {
  return kChannels.includes(base) && isWord(base) ? t(base).toLowerCase() : base;
}

function sentence(name: string): string {
  const { base } = splitName(name);
  const word = `${base}Tip`;
  return kChannels.includes(base) && isWord(word) ? t(word) : t("otherTip", { name });
}

function chipClass(base: string): string {
  return `chip chip-${kChannels.includes(base) ? base : "other"}`;
}

/** What the tooltip of one card's chip says: the channel in words, then this card's place in it. */
function explain(channel: Channel): string {
  const parts = [sentence(channel.name)];
  const { source } = splitName(channel.name);
  if (source !== "") parts.push(t("fallbackSource", { source }));
  if (channel.rank !== null && channel.score !== null) {
    parts.push(t("rankIn", { rank: channel.rank, score: formatScore(channel.score) }));
  } else if (channel.rank !== null) {
    parts.push(t("rankOnly", { rank: channel.rank }));
  }
  return parts.join(" ");
}

/** One chip for each channel of an item; null when the answer gives no reason. */
export function reasonChips(channels: readonly Channel[]): HTMLElement | null {
  if (channels.length === 0) return null;
  const chips = channels.map((channel) => {
    const { base } = splitName(channel.name);
    const chip = h("button", { type: "button", class: chipClass(base), "data-channel": channel.name }, label(base));
    attachTip(chip, explain(channel));
    return h("li", {}, chip);
  });
  return h("ul", { class: "chips", "aria-label": t("reasons") }, ...chips);
}

/** Chips without a tooltip, for the rows of the search box. */
export function plainChips(channels: readonly Channel[]): HTMLElement {
  const chips = channels.map((channel) => {
    const { base } = splitName(channel.name);
    return h("span", { class: chipClass(base), "data-channel": channel.name }, label(base));
  });
  return h("span", { class: "chips" }, ...chips);
}

/** The list of all channels with their sentences, below the lists. */
export function drawLegend(target: HTMLElement): void {
  target.replaceChildren(
    ...kChannels.map((name) =>
      h("div", {}, h("dt", {}, h("span", { class: chipClass(name) }, label(name))), h("dd", {}, sentence(name))),
    ),
  );
}
