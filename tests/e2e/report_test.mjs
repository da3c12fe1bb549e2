// The page that `lodestone evaluate --report` writes, in a real browser from the file alone.
//   REPORT=page.html METHODS=pop,ease METRICS=recall@10,auc [SHOTS=folder] node tests/e2e/report_test.mjs
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { openPage, startBrowser, takeShot } from "./console_page.mjs";

const methods = process.env.METHODS.split(",");
const metrics = process.env.METRICS.split(",");
const address = pathToFileURL(process.env.REPORT).href;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
});

test("each metric has a chart with a bar a method, and nothing is fetched", async () => {
  const page = await openPage(browser);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(address);
  assert.deepEqual(asked, [address]);
  const charts = await page.$$eval("figure", (figures) =>
    figures.map((figure) => ({
      title: figure.querySelector("svg title").textContent,
      said: figure.querySelector("svg desc").textContent,
      labels: [...figure.querySelectorAll("svg g > text[text-anchor=end]")].map((text) => text.textContent),
      widths: [...figure.querySelectorAll("rect.bar")].map((bar) => bar.getBoundingClientRect().width),
    })),
  );
  assert.deepEqual(
    charts.map((chart) => chart.title),
    metrics.map((metric) => `${metric} of each method`),
  );
  for (const chart of charts) {
    assert.equal(chart.widths.length, methods.length, chart.title);
    for (const method of methods) {
      assert.ok(chart.labels.includes(method), `${chart.title}: ${method} has a label`);
      assert.ok(new RegExp(`${method} [01]\\.`).test(chart.said), `${chart.title}: the description tells ${method}'s value`);
    }
  }
  const rows = await page.$$eval("table", (tables) =>
    tables.map((table) => [...table.querySelectorAll("tbody th")].map((cell) => cell.textContent)),
  );
  assert.ok(rows.length >= 2, "the figures and the settings are tables");
  for (const row of rows) assert.deepEqual(row, methods);
  assert.deepEqual(page.faults, []);
  await takeShot(page, "report");
});

test("no text runs out of its chart, and the page fits a phone in the dark", async () => {
  const page = await openPage(browser, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  await page.goto(address);
  const outside = await page.$$eval("svg", (charts) =>
    charts.flatMap((chart) => {
      const frame = chart.getBoundingClientRect();
      return [...chart.querySelectorAll("text")]
        .filter((text) => {
          const box = text.getBoundingClientRect();
          return box.left < frame.left - 1 || box.right > frame.right + 1;
        })
        .map((text) => text.textContent);
    }),
  );
  assert.deepEqual(outside, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(paper, "rgb(23, 25, 27)");
  assert.deepEqual(page.faults, []);
  await takeShot(page, "report-dark");
});
