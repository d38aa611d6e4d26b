// The console in a browser, on the demo's 30 days and some fans of the tests' own. Pages are found through the menu.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import axe from "axe-core";
import { Window, launch } from "./browser.js";
import { DAYS, Guanxi, REMINDERS, copied, stopAll } from "./guanxi.js";

const WIDTHS = [360, 768, 1440];
const LANGUAGES = { zh: "zh-CN", en: "en" };
const MINUTES = 60;
/** Tabs on one page at most. */
const TABS_MAX = 300;

const FAN = "oBrowserFan-1";
const MARKUP = `<img src=x onerror=alert(1)><script>alert(2)</script>&amp;"'`;
const RIGHT_TO_LEFT = "\u202eabc שלום \u2067مرحبا";

const stores = [];
let store, browser, guanxi;

/** A copy of a store, gone when the tests are. */
async function copy(of) {
  const store = await copied(of);
  stores.push(store);
  return store;
}

before(async () => {
  [store, browser] = await Promise.all([copy(DAYS.store), launch()]);
  // What fans do is folded when its minute is over; the host that serves the tests starts some minutes later.
  const earlier = await Guanxi.start(store.folder, DAYS.at);
  await earlier.follow(FAN, "bag_2kg");
  await earlier.buy(FAN, "adult-2kg", 12_900);
  for (const [number, text] of ["换粮", "人工", "在吗", "你们几点关门"].entries()) {
    await earlier.write(FAN, 100 + number, text);
  }
  await earlier.follow("oBrowserMarkup", `"><b>shop</b>${MARKUP}`.slice(0, 60));
  for (const [number, text] of [MARKUP, RIGHT_TO_LEFT].entries()) {
    // A question is reported when three fans asked it.
    for (const fan of [1, 2, 3]) await earlier.write(`oBrowserHostile-${fan}`, 200 + 10 * number + fan, text);
  }
  await earlier.stop();
  guanxi = await Guanxi.start(store.folder, DAYS.at + 10 * MINUTES);
  await guanxi.rollup();
});

after(async () => {
  await browser?.close();
  await stopAll();
  await Promise.all(stores.map((store) => store.remove()));
});

/** A test with a window in which somebody is logged in. */
function withWindow(name, options, body) {
  test(name, async () => {
    const window = await Window.loggedIn(browser, guanxi.url, options);
    try {
      await body(window, window.page);
    } catch (error) {
      await window.context.close();
      throw error;
    }
    await window.close();
  });
}

/** Every page there is, and one of each that is reached from a table or a form. */
async function everyPage(window) {
  await window.goto("/");
  const menu = await window.menu();
  assert.ok(menu.length >= 6, menu.join(" "));
  await window.goto("/console/channels");
  const [channel] = await window.addresses("#channels tbody th a");
  const fan = `/console/fan?openid=${FAN}`;
  return [...menu, "/?days=90&metric=revenue", channel, fan, `${fan}&step=sure`];
}

/** What has no place on a page: wider than the window, or a chart without shapes. */
async function assertDrawn(page, where) {
  const drawn = await page.evaluate(() => {
    const shapes = (svg) =>
      [...svg.querySelectorAll("path, rect, circle")].filter((shape) => {
        const box = shape.getBoundingClientRect();
        return box.width > 0 && box.height > 0;
      });
    const charts = [...document.querySelectorAll("svg")];
    const bounds = (element) => element.getBoundingClientRect();
    const outside = charts.flatMap((svg) =>
      [...svg.querySelectorAll("text")].filter(
        (text) => bounds(text).left < bounds(svg).left - 1 || bounds(text).right > bounds(svg).right + 1,
      ),
    );
    return {
      wide: document.documentElement.scrollWidth - innerWidth,
      empty: charts.filter((svg) => shapes(svg).length === 0).length,
      outside: outside.map((text) => text.textContent),
      styled: getComputedStyle(document.querySelector("header")).display,
    };
  });
  assert.ok(drawn.wide <= 0, `${where} is ${drawn.wide} px too wide`);
  assert.equal(drawn.empty, 0, `${where}: a chart without shapes`);
  assert.deepEqual(drawn.outside, [], `${where}: words that leave their chart`);
  assert.equal(drawn.styled, "flex", `${where}: no stylesheet`);
}

async function assertAccessible(page, where, options = {}) {
  const violations = await page.evaluate(async (options) => (await axe.run(document, options)).violations, {
    resultTypes: ["violations"],
    ...options,
  });
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join("\n    ")}`);
  assert.deepEqual(told, [], `${where}: ${told.join("\n")}`);
}

async function assertAccessibleHere(window, where, options) {
  await window.page.evaluate(axe.source);
  await assertAccessible(window.page, where, options);
}

test("a wrong token stays out and is told so, and the right one comes in, by keyboard", async () => {
  const window = await Window.open(browser, guanxi.url);
  assert.equal(await window.goto("/console/channels?days=7"), 401);
  await assertAccessibleHere(window, "log-in");
  assert.equal(await window.login("wrong"), 401);
  const { page } = window;
  assert.match(await page.getByRole("alert").innerText(), /\S/);
  await assertAccessibleHere(window, "log-in again");
  assert.equal(await page.locator("header nav").count(), 0);
  assert.equal(await window.goto("/console/channels?days=7"), 401);
  assert.equal(await window.login(), 200);
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/console/channels?days=7", "where one wanted to go");
  assert.equal(await page.getByRole("alert").count(), 0);
  await window.close();
});

for (const [language, tag] of Object.entries(LANGUAGES)) {
  withWindow(`every page fits, draws its charts and is accessible: ${language}`, { locale: tag }, async (window, page) => {
    let charts = 0;
    for (const address of await everyPage(window)) {
      assert.equal(await window.goto(address), 200, address);
      assert.equal(await page.locator("html").getAttribute("lang"), tag, address);
      charts += await page.locator("svg").count();
      await page.evaluate(axe.source);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        await assertDrawn(page, `${address} at ${width}`);
        if (width !== 768) await assertAccessible(page, `${address} at ${width}`);
      }
    }
    assert.ok(charts >= 5, `${charts} charts`);
  });
}

withWindow("in the dark there is contrast, too", { colorScheme: "dark" }, async (window) => {
  for (const address of await everyPage(window)) {
    await window.goto(address);
    await assertAccessibleHere(window, address, { runOnly: ["color-contrast"] });
  }
});

withWindow("with the keyboard alone one gets everywhere and sees where one is", {}, async (window, page) => {
  for (const address of await everyPage(window)) {
    await window.goto(address);
    await page.evaluate(() => {
      const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
      globalThis.wanted = new Set([...document.querySelectorAll(all)].filter((element) => element.checkVisibility()));
    });
    const count = await page.evaluate(() => wanted.size);
    assert.ok(count > 8 && count < TABS_MAX, `${address}: ${count}`);
    for (let tabs = 0; tabs < TABS_MAX; tabs++) {
      await page.keyboard.press("Tab");
      const here = await page.evaluate(() => {
        const element = document.activeElement;
        // A moment is entered part by part.
        const again = element === globalThis.last && element.type === "datetime-local";
        globalThis.last = element;
        if (element === document.body || (!wanted.delete(element) && !again)) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return { html: element.outerHTML.slice(0, 120), seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
      });
      if (here === null) break;
      assert.ok(here.seen, `${address}: no outline around ${here.html}`);
    }
    const left = await page.evaluate(() => [...wanted].map((element) => element.outerHTML.slice(0, 120)));
    assert.deepEqual(left, [], `${address}: not reached`);
  }
});

/** A number as it is shown. */
const number = (shown) => Number(shown.replace(/[¥,%]/g, ""));

withWindow("the channels' numbers are those of the report", { locale: "en" }, async (window) => {
  const report = await guanxi.report("/reports/channels?days=30");
  assert.equal(await window.goto("/console/channels?days=30"), 200);
  const [headings, ...rows] = await window.rows("channels");
  assert.equal(headings.length, report.columns.length);
  assert.equal(rows.length, report.rows.length);
  assert.ok(rows.length > 8, rows.length);
  let compared = 0;
  report.rows.forEach((told, row) =>
    report.columns.forEach((column, at) => {
      const shown = rows[row][at];
      if (typeof told[column] !== "number") return;
      const value = shown.includes("¥") ? Math.round(number(shown) * 100) : shown.endsWith("%") ? number(shown) / 100 : number(shown);
      assert.ok(Math.abs(value - told[column]) < 0.0006, `${column} of row ${row}: ${told[column]} is shown as ${shown}`);
      compared += 1;
    }),
  );
  assert.ok(compared > 80, `${compared} numbers`);
  assert.ok(number(rows.at(-1)[report.columns.indexOf("new")]) >= 2000, "the demo's fans");
});

withWindow("channels are sorted, filtered and looked into, and the period changes", { locale: "en" }, async (window, page) => {
  await window.follow(page.locator("header nav a").nth(1));
  const column = async (name) => {
    const [headings, ...rows] = await window.rows("channels");
    const at = headings.indexOf(name);
    assert.ok(at >= 0, `${name} in ${headings}`);
    return rows.slice(0, -1).map((row) => number(row[at]));
  };
  const sorts = page.locator("#channels thead a").nth(3);
  const name = await sorts.innerText();
  assert.equal(await window.follow(sorts), 200);
  const descending = await column(name);
  assert.deepEqual(descending, [...descending].sort((a, b) => b - a));
  assert.ok(descending[0] > descending.at(-1), `${name}: ${descending}`);
  await window.follow(page.locator("#channels thead a").nth(3));
  assert.deepEqual(await column(name), [...descending].reverse());
  assert.equal(await page.locator("#channels [aria-sort=ascending]").count(), 1);

  await page.locator("#find").fill("bag");
  assert.equal(await window.follow(page.locator("form.filter button")), 200);
  const ids = await page.locator("#channels tbody tr:not(.all) th").allInnerTexts();
  assert.deepEqual(ids.sort(), ["bag_2kg", "bag_kitten"]);
  assert.equal(await page.locator("#channels [aria-sort=ascending]").count(), 1, "the order stays");
  const group = await page.locator("#group option").nth(1).getAttribute("value");
  await page.locator("#find").fill("");
  await page.locator("#group").selectOption(group);
  await window.follow(page.locator("form.filter button"));
  const [headings, ...grouped] = await window.rows("channels");
  assert.ok(grouped.length > 1, headings.join());
  assert.ok(grouped.slice(0, -1).every((row) => row.includes(group)), grouped.join("\n"));

  await window.goto("/console/channels");
  const link = page.locator("#channels tbody th a", { hasText: "bag_2kg" });
  assert.equal(await window.follow(link), 200);
  assert.match(await page.locator(".subject").innerText(), /bag_2kg/);
  assert.equal((await window.rows("channel")).length, 1 + 30);
  assert.equal(await window.follow(page.locator("nav.choice a").first()), 200);
  assert.equal((await window.rows("channel")).length, 1 + 7);
  assert.match(await page.locator(".subject").innerText(), /bag_2kg/);
  await page.goBack();
  await page.goBack();
  assert.equal(new URL(page.url()).pathname, "/console/channels");
});

withWindow("a playbook is checked as it is typed, and nothing is kept of that", {}, async (window, page) => {
  assert.equal(await window.goto("/console/playbook"), 200);
  const text = page.locator("#text");
  const before = await text.inputValue();
  await text.fill(`${before}\nnonsense = 1\n`);
  const problem = page.locator("#found .warning");
  await problem.first().waitFor();
  assert.match(await problem.first().innerText(), /nonsense/);
  await text.fill(before);
  await page.locator("#found .done").waitFor();
  assert.equal(await problem.count(), 0);
  await window.goto("/console/playbook");
  assert.equal(await text.inputValue(), before);
});

withWindow("a playbook is published and gone back from", {}, async (window, page) => {
  await window.goto("/console/playbook");
  const text = page.locator("#text");
  const before = await text.inputValue();
  await text.fill(`# another\n${before}`);
  assert.equal(await window.follow(page.locator("button[value=publish]")), 200);
  assert.equal(await window.follow(page.locator("button[value=sure]")), 200);
  const versions = await window.rows("versions");
  assert.equal(versions.length, 1 + 2, "the built-in one and this");
  await window.goto(`/console/playbook?show=${versions[1][0]}`);
  assert.match(await text.inputValue(), /^# another/);
  await window.goto("/console/playbook?show=0");
  assert.equal(await text.inputValue(), before);
});

withWindow("a campaign is written with a mistake, then right, tried, sent and stopped", {}, async (window, page) => {
  await window.goto("/console/campaigns");
  assert.equal(await window.follow(page.locator("main a[href='/console/campaign']").first()), 200);
  const text = page.locator("textarea");
  const example = await text.inputValue();
  await text.fill(`${example}\nnonsense = 1\n`);
  assert.equal(await window.follow(page.locator("button[value=check]")), 422);
  assert.match(await page.locator("main").innerText(), /nonsense/);
  await text.fill(example);
  assert.equal(await window.follow(page.locator("button[value=try]")), 200);
  assert.ok((await window.rows("totals")).length > 1);
  assert.equal(await window.follow(page.locator("button[value=ask]")), 200);
  assert.equal(await window.follow(page.locator("button[value=send]")), 200);
  const [, [id]] = await window.rows("campaigns");
  assert.match(new URL(page.url()).search, new RegExp(`asked=${id}`));
  assert.equal(await window.follow(page.locator("main a.danger").first()), 200);
  assert.equal(await window.follow(page.locator(".sure button.danger")), 200);
  assert.match(new URL(page.url()).search, new RegExp(`stopped=${id}`));
});

withWindow("a table's CSV has the rows that are shown", { locale: "en" }, async (window, page) => {
  await window.goto("/console/channels?find=bag&sort=scans&order=down");
  const [headings, ...shown] = await window.rows("channels");
  const download = page.waitForEvent("download");
  await page.locator(".csv a").first().click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "channels.csv");
  const text = await readFile(await file.path(), "utf8");
  assert.ok(text.startsWith("\ufeff"), "Excel needs it");
  const [columns, ...rows] = text.slice(1).trimEnd().split(/\r?\n/).map((line) => line.split(","));
  assert.equal(columns.length, headings.length);
  assert.deepEqual(rows.map((row) => row.length), shown.map((row) => row.length));
  const at = columns.indexOf("scans");
  assert.deepEqual(rows.map((row) => Number(row[at])), shown.map((row) => number(row[at])));
  assert.deepEqual(rows.slice(0, -1).map((row) => row[0]), shown.slice(0, -1).map((row) => row[0]));
});

withWindow("markup and right-to-left marks of strangers are shown as text", {}, async (window, page) => {
  await window.goto("/console/questions");
  const questions = (await window.rows("questions")).map((row) => row[0]);
  assert.ok(questions.some((question) => question.includes("<img src=x onerror=")), questions.join("\n"));
  const turned = page.locator("#questions bdi", { hasText: "שלום" });
  assert.equal(await turned.count(), 1, questions.join("\n"));
  const texts = [];
  for (const address of await everyPage(window)) {
    await window.goto(address);
    assert.equal(await page.locator("img, body script, iframe, main b").count(), 0, address);
    texts.push(await page.locator("main").innerText());
  }
  assert.ok(texts.some((text) => text.includes("<b>shop</b>")), "a channel's name");
});

withWindow("a fan is forgotten in two steps", {}, async (window, page) => {
  await window.follow(page.locator("header nav a", { hasText: "粉丝" }));
  await page.locator("#openid").fill(FAN);
  assert.equal(await window.follow(page.locator("form.filter button")), 200);
  const before = await window.rows("fan");
  assert.ok(before.length > 4 && before.flat().join().includes("adult-2kg"), before.join("\n"));
  assert.equal(await page.locator("form[method=post].sure").count(), 0, "no form in the first step");
  assert.equal(await window.follow(page.locator("main a.danger")), 200);
  assert.equal(await window.follow(page.locator("form.sure a")), 200, "cancelled");
  assert.equal(await page.locator("form.sure").count(), 0);
  await window.follow(page.locator("main a.danger"));
  assert.equal(await window.follow(page.locator("form.sure button")), 200);
  assert.match(await page.getByRole("status").innerText(), /\S/);
  await assertAccessibleHere(window, "erased");
  await guanxi.stop();
  guanxi = await Guanxi.start(store.folder, DAYS.at + 20 * MINUTES);
  await guanxi.rollup();
  const again = await Window.loggedIn(browser, guanxi.url);
  await again.goto(`/console/fan?openid=${FAN}`);
  const left = await again.rows("fan");
  // That the fan follows, and that the rest was forgotten.
  assert.ok(left.length === 3 && !left.flat().join().includes("adult-2kg"), left.join("\n"));
  await again.close();
});

test("what was sent is shown with what became of it and what it brought", async () => {
  const reminded = await copy(REMINDERS.store);
  const host = await Guanxi.start(reminded.folder, REMINDERS.at);
  const window = await Window.loggedIn(browser, host.url);
  const { page } = window;
  let sent = 0;
  for (const address of await window.menu()) {
    assert.equal(await window.goto(address), 200, address);
    await page.evaluate(axe.source);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await assertDrawn(page, `${address} at ${width}`);
    }
    await assertAccessible(page, address);
    sent += await page.locator("th", { hasText: "reminder:adult-1kg" }).count();
  }
  assert.ok(sent >= 3, "three tables of the page on pushes");
  await window.close();
  await host.stop();
});

test("who logged out is out, and without a session there is no page", async () => {
  const window = await Window.loggedIn(browser, guanxi.url);
  const { page } = window;
  const addresses = new Set();
  for (const address of await everyPage(window)) {
    await window.goto(address);
    for (const found of await window.addresses("a[href^='/']")) addresses.add(found);
    addresses.add(address);
  }
  assert.ok(addresses.size > 40, addresses.size);
  const kept = await window.context.cookies();
  assert.equal(await window.follow(page.locator("header button")), 401);
  assert.equal(await page.locator("#token").count(), 1);
  await page.goBack();
  assert.equal(await page.locator("#token").count(), 1, "the page is not kept");
  for (const address of addresses) {
    const answer = await window.context.request.get(address);
    assert.equal(answer.status(), 401, address);
  }
  assert.ok(kept.some((cookie) => cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict"));
  await window.close();
});

test("another token ends the session", async () => {
  const window = await Window.loggedIn(browser, guanxi.url);
  const [cookie] = (await window.context.cookies()).filter(({ name }) => name.endsWith("session"));
  await window.close();
  const other = await copy(store.folder);
  const host = await Guanxi.start(other.folder, DAYS.at + 30 * MINUTES, "another-console-token");
  const status = async () => {
    const headers = { cookie: `${cookie.name}=${cookie.value}` };
    return [await fetch(`${guanxi.url}/`, { headers }), await fetch(`${host.url}/`, { headers })].map(({ status }) => status);
  };
  assert.deepEqual(await status(), [200, 401]);
  await host.stop();
});
