// Numbers as people read them.
import { t } from "./i18n";

/** Yuan with two decimals at most; nothing or zero is free; empty when the price is not known. */
export function formatPrice(price: number | null | undefined): string {
  if (price === undefined) return "";
  if (price === null || price === 0) return t("free");
  const digits = Number.isInteger(price) ? 0 : 2;
  return `¥${price.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** Three significant digits, which is enough to see the order of a list. */
export function formatScore(score: number): string {
  if (score === 0) return "0";
  return Math.abs(score) >= 100 ? score.toFixed(0) : score.toPrecision(3);
}

export function formatMilliseconds(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(2)} ms` : `${milliseconds.toFixed(0)} ms`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
