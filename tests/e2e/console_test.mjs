// The console page in a real browser against a running product.
//   BASE_URL=http://127.0.0.1:8000 [SHOTS=folder] node tests/e2e/console_test.mjs
// Every list is compared with the answer that the page itself received. Faults that a healthy product does not show
// (no answer, an empty list, a late answer, markup in a title) are put in at the network border.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  assertCardsShow,
  assertNeverIncreasing,
  nextAnswer,
  openPage,
  overflowOf,
  priceText,
  readCards,
  startBrowser,
  takeShot,
  weakTexts,
} from "./console_page.mjs";

const base = (process.env.BASE_URL ?? "").replace(/\/$/, "");
if (base === "") {
  console.error(
    "BASE_URL is not set: give the address of a running product, for example BASE_URL=http://127.0.0.1:8000",
  );
  process.exit(2);
}
const kUnknownId = 987654321;

let browser;
/** What `GET /demo` says. */
let demo;
/** A data set that a sample user looked at, so one that has neighbours. */
let itemId;

before(async () => {
  browser = await startBrowser();
  const response = await fetch(`${base}/demo`);
  assert.equal(response.status, 200, "GET /demo answers, so the demo page is on (serving.demo_page)");
  demo = await response.json();
  assert.ok(demo.users.length >= 2, `the demo has at least two sample users, found ${demo.users.length}`);
  itemId = demo.users[0].history[0].dataset_id;
});

after(async () => browser?.close());

/** Runs `steps` on a fresh page and fails when anything went wrong on it besides what `expected` allows. */
async function onPage(hash, steps, { expected = [], ...options } = {}) {
  const page = await openPage(browser, options);
  try {
    await page.goto(`${base}/${hash}`);
    await steps(page);
    const faults = page.faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
    assert.deepEqual(faults, [], "no console error, no failed request");
  } finally {
    await page.context().close();
  }
}

test("the page says that visits are simulated, and names the catalogues and their licences", () =>
  onPage("", async (page) => {
    await page.waitForSelector("#label");
    assert.equal((await page.textContent("#label")).toLowerCase(), demo.label.toLowerCase());
    assert.ok(await page.isVisible("#label"));
    const notice = await page.textContent("#notice-text");
    assert.ok(demo.catalogues.length > 0);
    for (const catalogue of demo.catalogues) {
      assert.ok(
        notice.includes(catalogue.name) && notice.includes(catalogue.licence),
        `${catalogue.name} and its licence are named`,
      );
    }
    assert.equal(await page.textContent("#bundle-id"), demo.bundle_id);
    assert.match(await page.textContent("#response-time"), /^\d+(\.\d+)? ms$/);
    assert.match(await page.textContent("#request-id"), /^req_[A-Za-z0-9-]{8,64}$/);
    assertNeverIncreasing(await readCards(page, "for-you"));
    await readCards(page, "trending");
    await takeShot(page, "home");
  }));

for (const [language, query] of [
  ["English", "climate"],
  ["Chinese", "统计"],
]) {
  test(`a query in ${language} is answered while typing, and keys choose a data set`, () =>
    onPage("", async (page) => {
      await readCards(page, "for-you");
      await page.keyboard.press("/");
      const answering = nextAnswer(page, `q=${encodeURIComponent(query)}`);
      await page.keyboard.type(query);
      const answer = await answering;
      assert.ok(answer.items.length > 0, `“${query}” finds data sets`);
      await page.waitForFunction((q) => document.getElementById("popup-note").textContent.includes(q), query);
      const shown = await page.$$eval("#results [role=option]", (rows) => rows.map((row) => Number(row.dataset.id)));
      assert.deepEqual(
        shown,
        answer.items.map((item) => item.dataset_id),
      );
      await takeShot(page, `search_${language.toLowerCase()}`);
      await page.keyboard.press("Escape");
      assert.equal(await page.isVisible("#popup"), false, "Escape closes the list");
      const again = nextAnswer(page, "/search?");
      await page.keyboard.press("ArrowDown");
      await again;
      await page.waitForSelector("#popup:not([hidden]) [role=option]");
      await page.keyboard.press("ArrowDown");
      assert.equal(await page.getAttribute("#result-0", "aria-selected"), "true");
      assert.equal(await page.getAttribute("#search", "aria-activedescendant"), "result-0");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#view-item:not([hidden])");
      assert.ok(page.url().includes(`#/item/${answer.items[0].dataset_id}`));
      assert.equal(await page.textContent("#item-title"), answer.items[0].title);
      assert.equal(await page.textContent("#item-price"), priceText(answer.items[0].price));
    }));
}

test("Enter without a choice opens all results, which a link repeats", () =>
  onPage("", async (page) => {
    await page.fill("#search", "weather");
    const answering = nextAnswer(page, "limit=24");
    await page.keyboard.press("Enter");
    const answer = await answering;
    assert.ok(page.url().endsWith("#/search?q=weather"));
    assertCardsShow(await readCards(page, "found"), answer.items);
    await page.reload();
    assert.equal((await readCards(page, "found")).length, answer.items.length);
    await takeShot(page, "results");
  }));

test("a late answer to an earlier query is dropped", async () => {
  const page = await openPage(browser);
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(/\/search\?q=wat&/, async (route) => {
    const response = await route.fetch();
    await released;
    await route.fulfill({ response });
  });
  await page.goto(`${base}/`);
  const first = page.waitForRequest(/q=wat&/);
  await page.fill("#search", "wat");
  await first;
  await page.fill("#search", "forest");
  await page.waitForFunction(() => document.getElementById("popup-note").textContent.includes("forest"));
  const expected = await page.$$eval("#results li", (rows) => rows.map((row) => row.dataset.id));
  const late = page.waitForResponse(/q=wat&/);
  release();
  await (await late).finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.deepEqual(await page.$$eval("#results li", (rows) => rows.map((row) => row.dataset.id)), expected);
  assert.match(await page.textContent("#popup-note"), /forest/);
  await page.context().close();
});

test("a deep link shows the data set with its neighbours, reasons and scores", async () => {
  const { user_id: user } = demo.users[1];
  const page = await openPage(browser);
  const similar = nextAnswer(page, `/similar/${itemId}`);
  const here = nextAnswer(page, `/recommend/detail/${itemId}`);
  await page.goto(`${base}/#/item/${itemId}?user=${user}`);
  const similarItems = (await similar).similar_items;
  const hereAnswer = await here;
  const cards = await readCards(page, "similar");
  assert.ok(cards.length > 0, `data set ${itemId} has neighbours`);
  assertCardsShow(cards, similarItems);
  assertNeverIncreasing(cards);
  assert.ok(
    cards.every((card) => card.reason !== ""),
    "every neighbour has a reason",
  );
  assert.ok(
    cards.every((card) => card.id !== itemId),
    "a data set is not its own neighbour",
  );
  const hereCards = await readCards(page, "here");
  assertCardsShow(hereCards, hereAnswer.recommendations);
  assertNeverIncreasing(hereCards);
  assert.equal(await page.inputValue("#user"), String(user));
  assert.equal(await page.textContent("#here-title"), `Recommended here for User ${user}`);
  await page.waitForSelector("#item-price");
  assert.equal(await page.textContent("#item-title"), demo.users[0].history[0].title);
  await takeShot(page, "item");

  await page.focus("#similar .chip");
  const tip = await page.textContent("#tip");
  assert.ok(await page.isVisible("#tip"));
  assert.match(tip, /\w+ .*\.$/, "the tooltip of a reason is a sentence");
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#tip"), false);

  await page.click("#similar .card-link");
  await page.waitForFunction((id) => location.hash.startsWith(`#/item/${id}?`), cards[0].id);
  assert.ok(page.url().endsWith(`user=${user}`), "a card keeps the user");
  assert.equal(await page.textContent("#item-title"), cards[0].title);
  await page.goBack();
  await page.waitForFunction((id) => location.hash.startsWith(`#/item/${id}?`), itemId);
  assertCardsShow(await readCards(page, "similar"), similarItems);
  assert.deepEqual(page.faults, [], "no console error, no failed request");
  await page.context().close();
});

test("switching the user changes For you, and shows what the user looked at", () =>
  onPage("", async (page) => {
    await page.waitForSelector("#user option:nth-child(3)", { state: "attached" });
    const lists = [(await readCards(page, "for-you")).map((card) => card.id)];
    for (const { user_id: user, history } of demo.users.slice(0, 2)) {
      const answering = nextAnswer(page, `/recommend/user/${user}?`);
      await page.selectOption("#user", String(user));
      const answer = await answering;
      const cards = await readCards(page, "for-you");
      assertCardsShow(cards, answer.recommendations);
      assertNeverIncreasing(cards);
      lists.push(cards.map((card) => card.id));
      const visits = await page.$$eval("#for-you-sub a", (links) => links.map((link) => link.textContent));
      assert.deepEqual(
        visits,
        history.map((visit) => visit.title),
      );
      assert.ok(page.url().endsWith(`user=${user}`));
    }
    await takeShot(page, "for_you");
    assert.notDeepEqual(lists[1], lists[0], "the first user's list is not the guest's");
    assert.notDeepEqual(lists[2], lists[1], "the second user's list is not the first's");
    await page.selectOption("#user", "");
    await page.waitForFunction(() => document.querySelectorAll("#for-you-sub a").length === 0);
    assert.deepEqual(
      (await readCards(page, "for-you")).map((card) => card.id),
      lists[0],
    );
  }));

test("the trending tabs ask for their time, by click and by arrow key", () =>
  onPage("", async (page) => {
    await readCards(page, "trending");
    for (const [timeframe, act] of [
      ["1h", () => page.click("#tab-1h")],
      ["24h", () => page.keyboard.press("ArrowRight")],
      ["7d", () => page.keyboard.press("ArrowRight")],
    ]) {
      const answering = nextAnswer(page, `timeframe=${timeframe}`);
      await act();
      const answer = await answering;
      assert.equal(answer.timeframe, timeframe);
      const cards = await readCards(page, "trending");
      assert.deepEqual(
        cards.map(({ id, title }) => ({ id, title })),
        answer.items.map((item) => ({ id: item.dataset_id, title: item.title })),
      );
      assert.equal(await page.getAttribute(`#tab-${timeframe}`, "aria-selected"), "true");
      assert.equal(cards.length === 0, await page.isVisible("#trending .empty"), "an empty list has a sentence");
    }
    assert.ok((await readCards(page, "trending")).length > 0, "something was visited in seven days");
    await takeShot(page, "trending");
  }));

test("an unknown data set shows the sentence of the problem document", () =>
  onPage(
    `#/item/${kUnknownId}`,
    async (page) => {
      await page.waitForSelector("#item-missing .problem");
      const response = await fetch(`${base}/similar/${kUnknownId}`);
      assert.equal(response.status, 404);
      assert.match(response.headers.get("content-type"), /^application\/problem\+json/);
      const problem = await response.json();
      assert.equal(await page.textContent("#item-missing .problem-title"), problem.title);
      assert.equal(await page.textContent("#item-missing .problem-detail"), problem.detail);
      assert.ok(problem.detail.includes(String(kUnknownId)), "the sentence names the data set");
      assert.equal(await page.isVisible("#similar"), false);
      await takeShot(page, "unknown_item");
    },
    { expected: [/status 404: .*\/similar\//, /console: Failed to load resource.*404/] },
  ));

test("a server that does not answer is said so, and Try again brings the list", async () => {
  const page = await openPage(browser);
  await page.route(/\/hot\/trending/, (route) => route.abort());
  await page.goto(`${base}/`);
  assert.match(await page.textContent("#trending .problem-detail"), /could not be reached/);
  await page.unroute(/\/hot\/trending/);
  await page.click("#trending .problem button");
  await page.waitForSelector("#trending[aria-busy='false'] .card");
  assert.equal(await page.isVisible("#trending .problem"), false);
  await page.context().close();
});

test("an answer that is no JSON and an empty list each have their sentence", async () => {
  const page = await openPage(browser);
  await page.route(/\/search\?q=&/, (route) =>
    route.fulfill({ status: 502, contentType: "text/html", body: "<p>bad gateway</p>" }),
  );
  await page.route(/\/hot\/trending/, (route) => route.fulfill({ json: { timeframe: "24h", items: [] } }));
  await page.goto(`${base}/`);
  assert.match(await page.textContent("#for-you .problem-detail"), /status 502/);
  assert.match(await page.textContent("#trending .empty"), /Nobody visited a data set/);
  await page.route(/\/search\?q=zzz/, (route) => route.fulfill({ json: { query: "zzz", items: [] } }));
  await page.fill("#search", "zzz");
  await page.waitForFunction(() =>
    document.getElementById("popup-note").textContent.includes("No data set matches “zzz”"),
  );
  await page.context().close();
});

test("markup in a title stays text, and a cover that cannot be loaded is drawn", async () => {
  const title = '<img src=x onerror="document.title=1"><b>bold</b>';
  const page = await openPage(browser);
  const item = { dataset_id: 1, title, price: 0, cover_image: "/no-such-cover.png" };
  await page.route(/\/hot\/trending/, (route) =>
    route.fulfill({ json: { timeframe: "24h", items: [item, { ...item, cover_image: "javascript:1" }] } }),
  );
  await page.goto(`${base}/`);
  const cards = await readCards(page, "trending");
  assert.deepEqual(
    cards.map((card) => card.title),
    [title, title],
  );
  await page.waitForFunction(() => document.querySelectorAll("#trending .cover svg").length === 2);
  assert.equal(await page.$$eval("#trending b, #trending img", (found) => found.length), 0);
  assert.equal(await page.title(), "Lodestone");
  await page.context().close();
});

test("the page speaks Chinese, and remembers it", () =>
  onPage(`#/item/${itemId}`, async (page) => {
    const english = await readCards(page, "similar");
    await page.click("#lang");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    assert.equal(await page.textContent("#similar-title"), "相似数据集");
    assert.deepEqual(
      (await readCards(page, "similar")).map((card) => card.id),
      english.map((card) => card.id),
    );
    await page.reload();
    await readCards(page, "similar");
    assert.equal(await page.textContent("#similar-title"), "相似数据集");
    await takeShot(page, "item_chinese");
    await page.click("#lang");
    assert.equal(await page.textContent("#similar-title"), "Similar data sets");
  }));

test("nothing scrolls sideways at 390 pixels", () =>
  onPage(
    "",
    async (page) => {
      await readCards(page, "for-you");
      await readCards(page, "trending");
      assert.equal(await overflowOf(page), 0, "start page");
      await takeShot(page, "home_390");
      await page.fill("#search", "data");
      await page.waitForSelector("#popup:not([hidden]) [role=option]");
      assert.equal(await overflowOf(page), 0, "search list");
      await page.keyboard.press("Enter");
      await readCards(page, "found");
      assert.equal(await overflowOf(page), 0, "results");
      await page.goto(`${base}/#/item/${itemId}?user=${demo.users[0].user_id}`);
      await page.waitForSelector("#here .card");
      assert.equal(await overflowOf(page), 0, "data set");
      await takeShot(page, "item_390");
    },
    { viewport: { width: 390, height: 844 } },
  ));

for (const colorScheme of ["light", "dark"]) {
  test(`every text has enough contrast in ${colorScheme} colours`, () =>
    onPage(
      `#/item/${itemId}?user=${demo.users[0].user_id}`,
      async (page) => {
        await readCards(page, "similar");
        await page.waitForSelector("#here .card");
        await page.click("#legend summary");
        assert.deepEqual(await weakTexts(page), []);
        await page.goto(`${base}/#/`);
        await readCards(page, "for-you");
        await readCards(page, "trending");
        await page.fill("#search", "data");
        await page.waitForSelector("#results [role=option]");
        assert.deepEqual(await weakTexts(page), []);
        await takeShot(page, `contrast_${colorScheme}`);
      },
      { colorScheme },
    ));
}
