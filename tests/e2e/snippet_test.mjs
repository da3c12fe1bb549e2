// The tracking contract, version 1, in a real browser: what the snippet makes of links, and what Matomo and /events are sent.
//   [HITS=FILE] node tests/e2e/snippet_test.mjs
// HITS takes what one visit sent to Matomo, for snippet_test.py, which follows it into the lake.
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openPage, startBrowser } from "./console_page.mjs";
import { kDimension, kList, kRequest, kVisitor, startSite } from "./snippet_site.mjs";

const kOther = "req_00000000-0000-4000-8000-000000000001";
const kMark = `from=recommend&rid=${kRequest}`;
const kUuid = /^req_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const kItems = "[42, { dataset_id: 7 }, '99']";
const track = (id = `'${kRequest}'`) => `lodestone.track('#list', { requestId: ${id}, items: ${kItems} })`;
let browser;

before(async () => (browser = await startBrowser()));
after(async () => browser?.close());

/** Runs `steps` on a page of its own site, and fails when the page saw an error. */
async function onSite(steps, { pages, path = "/list", ...options } = {}) {
  const site = await startSite({ "/list": { body: kList }, ...pages });
  const page = await openPage(browser, options);
  try {
    await page.goto(site.base + path);
    await steps(page, site);
    assert.deepEqual(page.faults.filter((fault) => !/no answer/.test(fault)), [], "no error reached the page");
  } finally {
    await page.context().close();
    await site.stop();
  }
}

const hrefs = (page) => page.$$eval("#list a", (links) => links.map((link) => link.getAttribute("href")));
/** Nothing leaves the page; what a click would open does not matter here. */
const stay = (page) => page.evaluate(() => addEventListener("click", (event) => event.preventDefault()));
/** A page view that is sent last: what came before it is all there is. */
async function flush(page, site) {
  await page.evaluate(() => {
    document.title = "last";
    _paq.push(["trackPageView"]);
  });
  await site.until(() => site.views().some((hit) => hit.action_name === "last"));
}

test("the snippet is smaller than 3 kB", () => {
  assert.ok(statSync(new URL("../../build/web/lodestone-snippet.js", import.meta.url)).size < 3000);
});

test("links get from, rid and the position from 1, and keep query and fragment", () =>
  onSite(async (page) => {
    const marked = [
      `/dataDetail/42?q=a%20b&flag&${kMark}&pos=1#top`,
      `dataDetail/7?${kMark}&pos=2`,
      `/buy?${kMark}&pos=2`,
      `/x?${kMark}&pos=3`,
      "mailto:a@b",
      "/dataDetail/1000",
    ];
    assert.equal(await page.evaluate(track()), kRequest);
    assert.deepEqual(await hrefs(page), marked);
    await page.evaluate(track());
    assert.deepEqual(await hrefs(page), marked, "marked again, nothing is there twice");
  }));

test("a route in the fragment gets the parameters, as Matomo sees them there", () =>
  onSite(
    async (page) => {
      await page.evaluate(track());
      assert.deepEqual(await hrefs(page), [`/?s=1#/dataDetail/42?tab=2&${kMark}&pos=1`, `#!/dataAPIDetail/7?${kMark}&pos=2`]);
    },
    { pages: { "/list": { body: `<div id="list"><a href="/?s=1#/dataDetail/42?tab=2">a</a><a href="#!/dataAPIDetail/7">b</a></div>` } } },
  ));

const ways = {
  "a click": (page) => page.click("#b"),
  "a click on what the link holds": (page) => page.click("#inner"),
  "a double click": (page) => page.dblclick("#b"),
  "a click on two links of one data set": async (page) => {
    await page.click("#b");
    await page.click("#b2");
  },
  "Enter": (page) => page.press("#b", "Enter"),
  "a middle click": (page) => page.click("#b", { button: "middle" }),
  "a click with ctrl": (page) => page.click("#b", { modifiers: ["Control"] }),
  "a tap": (page) => page.tap("#b"),
  "a click on a list drawn again": async (page) => {
    await page.click("#b");
    await page.evaluate(() => (document.getElementById("list").innerHTML += ""));
    await page.evaluate(track());
    await page.click("#b");
  },
};
for (const [way, act] of Object.entries(ways)) {
  test(`${way} is one Matomo event with position and request id`, () =>
    onSite(
      async (page, site) => {
        await stay(page);
        await page.evaluate(track());
        await act(page);
        await flush(page, site);
        const found = site.clicks().map((hit) => [hit.e_c, hit.e_a, hit.e_n, hit.e_v, hit[`dimension${kDimension}`]]);
        assert.deepEqual(found, [["Recommendation", "Click", "dataset_7", "2", kRequest]]);
      },
      { hasTouch: true },
    ));
}

test("a right click, a click elsewhere and a link outside the list are none", () =>
  onSite(async (page, site) => {
    await stay(page);
    await page.evaluate(track());
    await page.click("#a", { button: "right" });
    await page.click("#e");
    await page.click("#list p:last-child", { position: { x: 300, y: 2 } });
    await flush(page, site);
    assert.deepEqual(site.clicks(), []);
  }));

test("a page that stops the click from going up is counted all the same", () =>
  onSite(async (page, site) => {
    await stay(page);
    await page.evaluate(track());
    await page.evaluate(() =>
      document.getElementById("a").addEventListener("click", (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
      }),
    );
    await page.click("#a");
    await flush(page, site);
    assert.equal(site.clicks().length, 1);
  }));

test("a landing carries the request id in its page view, and loses it with the route", () =>
  onSite(
    async (page, site) => {
      await site.until(() => site.views().length === 1);
      assert.equal(site.views()[0][`dimension${kDimension}`], kRequest);
      await page.evaluate(() => {
        history.pushState(null, "", "/dataDetail/8");
        lodestone.landing();
      });
      await flush(page, site);
      assert.equal(site.views()[1][`dimension${kDimension}`], undefined);
    },
    { path: `/dataDetail/7?${kMark}&pos=2` },
  ));

test("an id that is no request id is not taken from the address", () =>
  onSite(
    async (page, site) => {
      await site.until(() => site.views().length === 1);
      assert.equal(site.views()[0][`dimension${kDimension}`], undefined);
    },
    { path: "/dataDetail/7?from=recommend&rid=req_1%22&pos=2" },
  ));

test("a click on a landing has its own list's id, and the landing keeps its own", () =>
  onSite(
    async (page, site) => {
      await stay(page);
      await page.evaluate(track(`'${kOther}'`));
      await page.click("#a");
      await flush(page, site);
      assert.equal(site.clicks()[0][`dimension${kDimension}`], kOther);
      assert.ok(site.views().every((hit) => hit[`dimension${kDimension}`] === kRequest));
    },
    { path: `/list?rid=${kRequest}` },
  ));

const own = `<script src="/snippet.js" data-dimension="${kDimension}"></script>`;
test("Matomo may come later, and before the snippet: nothing is lost", async () => {
  const tags = {
    "/later": `<script>_paq = [["trackPageView"]];</script>${own}`,
    "/before": `<script>_paq = [];</script><script src="/matomo.js"></script>${own}`,
  };
  for (const [path, given] of Object.entries(tags)) {
    await onSite(
      async (page, site) => {
        await stay(page);
        await page.evaluate(track());
        await page.click("#a");
        if (path === "/later") {
          assert.equal(site.hits.length, 0);
          await page.addScriptTag({ url: "/matomo.js" });
        }
        await flush(page, site);
        assert.equal(site.clicks().length, 1);
        assert.ok(site.hits.every((hit) => hit[`dimension${kDimension}`] === kRequest), "the page view that waited, too");
      },
      { pages: { [path]: { tags: given, body: kList } }, path: `${path}?rid=${kRequest}` },
    );
  }
});

test("calls that came before the snippet are done when it comes, and loaded twice it counts once", () =>
  onSite(
    async (page, site) => {
      await stay(page);
      await page.click("#a");
      await flush(page, site);
      assert.equal(site.clicks().length, 1);
    },
    {
      pages: {
        "/list": {
          body: `${kList}<script>lodestone = window.lodestone || [];
lodestone.push(["track", "#list", { requestId: "${kRequest}", items: [42] }]);</script><script src="/matomo.js"></script>${own}${own}`,
          tags: "",
        },
      },
    },
  ));

const events = `<script src="/snippet.js" data-dimension="${kDimension}" data-events="/events"></script><script src="/matomo.js"></script>`;
for (const way of ["sendBeacon", "fetch"]) {
  test(`a list from a cache gets an id, and its exposures go to /events by ${way}`, () =>
    onSite(
      async (page, site) => {
        if (way === "fetch") await page.evaluate(() => (navigator.sendBeacon = undefined));
        const id = await page.evaluate(`lodestone.track('#list', { requestId: null, items: ${kItems}, userId: 5 })`);
        assert.match(id, kUuid);
        assert.ok((await hrefs(page))[0].includes(`rid=${id}&pos=1`));
        await site.until(() => site.exposures.length > 0);
        const [{ method, type, events: posted }] = site.exposures;
        assert.deepEqual([method, type], ["POST", "application/json"]);
        assert.match(posted[0].at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        assert.deepEqual(
          posted,
          [42, 7, 99].map((dataset, index) => ({
            event_id: `exposure:${id}:${index + 1}`,
            kind: "exposure",
            user_id: 5,
            visitor_id: kVisitor,
            dataset_id: dataset,
            at: posted[0].at,
            request_id: id,
            position: index + 1,
          })),
        );
      },
      { pages: { "/list": { tags: events, body: kList } } },
    ));
}

test("no exposure is posted for an answer with an id, nor where it is not switched on", async () => {
  await onSite(
    async (page, site) => {
      await page.evaluate(track());
      await flush(page, site);
      assert.deepEqual(site.exposures, []);
    },
    { pages: { "/list": { tags: events, body: kList } } },
  );
  await onSite(async (page, site) => {
    assert.match(await page.evaluate(track("null")), kUuid);
    await flush(page, site);
    assert.deepEqual(site.exposures, []);
  });
});

test("the visitor is Matomo's, from its tracker or its cookie, else one that stays", async () => {
  await onSite(async (page) => assert.equal(await page.evaluate("lodestone.visitorId()"), kVisitor));
  await onSite(
    async (page) => {
      const id = await page.evaluate("lodestone.visitorId()");
      assert.match(id, /^[0-9a-f]{16}$/);
      await page.reload();
      assert.equal(await page.evaluate("lodestone.visitorId()"), id);
      await page.evaluate(() => (document.cookie = "_pk_id.1.1fff=fedcba9876543210.1700000000."));
      assert.equal(await page.evaluate("lodestone.visitorId()"), "fedcba9876543210");
    },
    { pages: { "/list": { tags: own } } },
  );
});

test("request ids differ and fit what the API takes", () =>
  onSite(async (page) => {
    const ids = await page.evaluate(() => Array.from({ length: 200 }, () => lodestone.requestId()));
    assert.equal(new Set(ids).size, 200);
    for (const id of ids) assert.match(id, kUuid);
  }));

test("wrong calls and a broken Matomo throw nothing into the page", () =>
  onSite(async (page) => {
    await stay(page);
    const answers = await page.evaluate(() => {
      window._paq = { push: () => { throw new Error("broken"); } };
      Object.defineProperty(window, "localStorage", { get: () => { throw new Error("forbidden"); } });
      window.Matomo = undefined;
      return [lodestone.track("#none", { items: [] }), lodestone.track("((", {}), lodestone.track(null), lodestone.track("#list", { items: [null] }),
        lodestone.push(["nothing"]), lodestone.push(), lodestone.landing(), typeof lodestone.visitorId(), lodestone.visitorId() === lodestone.visitorId()];
    });
    assert.deepEqual(answers.slice(-2), ["string", true]);
    await page.evaluate(track());
    await page.click("#a");
    assert.deepEqual(await page.evaluate("faults"), []);
  }));

test("a visit from list to data set: link, event and page view name the same request", () =>
  onSite(async (page, site) => {
    await page.evaluate(track());
    await page.click("#inner");
    await page.waitForURL(/dataDetail\/7\?/);
    await site.until(() => site.views().length === 2 && site.clicks().length === 1);
    assert.ok(page.url().endsWith(`/dataDetail/7?${kMark}&pos=2`));
    const [list, landing] = site.views();
    assert.equal(list[`dimension${kDimension}`], undefined);
    assert.equal(landing[`dimension${kDimension}`], kRequest);
    assert.equal(site.clicks()[0].url, `${site.base}/list`);
    if (process.env.HITS) writeFileSync(process.env.HITS, JSON.stringify({ dimension: kDimension, hits: site.hits }));
  }));
