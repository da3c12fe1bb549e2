// What the console test needs around its assertions: a browser, a page that keeps a record of everything that went
// wrong on it, and readers that turn what is shown into plain values.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const kFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser; CHROMIUM names another one than Debian's. */
export function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: kFlags });
}

/**
 * Opens a fresh page (own cookies and storage). `page.faults` collects console errors, uncaught exceptions, requests
 * without an answer, and answers of 400 and above.
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") page.faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.faults.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) =>
    page.faults.push(`no answer: ${request.url()} (${request.failure()?.errorText})`),
  );
  page.on("response", (response) => {
    if (response.status() >= 400) page.faults.push(`status ${response.status()}: ${response.url()}`);
  });
  return page;
}

/** Saves a picture of the whole page into the folder SHOTS, when it is given. */
export async function takeShot(page, name) {
  const folder = process.env.SHOTS;
  if (folder === undefined || folder === "") return;
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** The next answer whose address contains `part`, as JSON, once the page has got it. */
export async function nextAnswer(page, part) {
  const response = await page.waitForResponse((candidate) => candidate.url().includes(part));
  return response.json();
}

/** Waits until the list `panel` (an id) is at rest, then reads its cards. */
export async function readCards(page, panel) {
  await page.waitForSelector(`#${panel}[aria-busy="false"]`);
  return page.$$eval(`#${panel} .card`, (cards) =>
    cards.map((card) => ({
      id: Number(card.dataset.id),
      title: card.querySelector(".card-title").textContent,
      price: card.querySelector(".price")?.textContent,
      score: card.querySelector(".score") === null ? null : Number(card.querySelector(".score").dataset.score),
      barWidth:
        card.querySelector(".bar-fill") === null
          ? null
          : Number.parseFloat(card.querySelector(".bar-fill").style.width),
      reason: [...card.querySelectorAll("[data-channel]")].map((chip) => chip.dataset.channel).join("+"),
      cover: card.querySelector(".cover svg, .cover img") !== null,
    })),
  );
}

/** The price as the page writes it. */
export function priceText(price) {
  if (price === null || price === undefined || price === 0) return "Free";
  const digits = Number.isInteger(price) ? 0 : 2;
  return `¥${price.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** Neither the scores nor their bars grow down the list. */
export function assertNeverIncreasing(cards) {
  for (let i = 1; i < cards.length; i++) {
    assert.ok(
      cards[i].score <= cards[i - 1].score,
      `card ${i + 1} has score ${cards[i].score}, more than the ${cards[i - 1].score} before it`,
    );
    assert.ok(
      cards[i].barWidth <= cards[i - 1].barWidth,
      `the bar of card ${i + 1} is no longer than the one before it`,
    );
  }
}

/** The cards are the answer's items, in its order, with title, price, score, reason and a cover. */
export function assertCardsShow(cards, items) {
  assert.deepEqual(
    cards.map(({ id, title, price, score, reason }) => ({ id, title, price, score, reason })),
    items.map((item) => ({
      id: item.dataset_id,
      title: item.title,
      price: priceText(item.price),
      score: item.score ?? null,
      reason: item.reason ?? "",
    })),
  );
  assert.ok(
    cards.every((card) => card.cover),
    "every card has a cover",
  );
}

/** How many pixels the page is wider than its window. */
export function overflowOf(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/**
 * Texts whose contrast with what lies behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3). Colours are read as the browser
 * computed them; the background is that of the nearest ancestor that has an opaque one.
 */
export function weakTexts(page) {
  return page.evaluate(() => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = channels(colour)
        .slice(0, 3)
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backgroundOf = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const colour = getComputedStyle(at).backgroundColor;
        const alpha = channels(colour)[3] ?? 1;
        if (alpha === 1) return colour;
      }
      return "rgb(255, 255, 255)";
    };
    const weak = new Set();
    for (const element of document.body.querySelectorAll("*")) {
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "",
      );
      if (!hasText || element.closest("svg, noscript, .hidden, option") !== null || element.offsetParent === null)
        continue;
      const front = luminance(getComputedStyle(element).color);
      const back = luminance(backgroundOf(element));
      const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
      if (contrast < 4.5) weak.add(`${element.tagName.toLowerCase()}.${element.className} ${contrast.toFixed(2)}`);
    }
    return [...weak];
  });
}
