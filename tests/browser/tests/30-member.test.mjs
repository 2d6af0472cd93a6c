// A member's page: what can be spent, what expires when, and why every point came or went.

import assert from "node:assert/strict";
import { api, run } from "../lib/server.mjs";
import { test } from "../lib/test.mjs";
import { enterSample, fillClub, fillShop, makeKey, setUp } from "../lib/visits.mjs";

test("a member's page says what the command line says", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  await page.goto("/admin/members/customer:00300");
  await page.getByRole("heading", { level: 1, name: "Chen Sato" }).waitFor();
  const statement = await run("--database", server.database, "statement", "customer:00300");

  const balance = /Can be spent +([\d,]+) +worth ([\d.,]+ USD)/.exec(statement);
  assert.equal(await page.locator(".tile.first .figure").innerText(), `${balance[1]} points`);
  assert.equal(await page.locator(".tile.first .note").innerText(), `worth ${balance[2]}`);

  const lots = statement.split("Coming expiries")[1].split("History")[0].trim().split("\n").slice(2);
  const rows = page.locator("section[aria-labelledby=lots] tbody tr");
  assert.equal(await rows.count(), lots.length);
  const parts = (it) => it.trim().split(/ {2,}/);
  for (const [index, lot] of lots.entries()) {
    const [points, earned, lastDay] = parts(lot);
    const cells = await rows.nth(index).locator("td").allInnerTexts();
    assert.deepEqual([cells[0].trim(), cells[1].trim(), cells[3].trim()], [points, earned, lastDay]);
  }

  // Newest first on the page, oldest first on the command line; the same words.
  const history = statement.split("History")[1].trim().split("\n").slice(1).map((it) => parts(it).at(-1)).reverse();
  const words = await page.locator("table.history td.what").allInnerTexts();
  assert.deepEqual(words.map((it) => it.trim()), history.slice(0, 25));
});

test("the coming expiries are the lots that can be spent", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  const key = await makeKey(page, "Expiries", ["read"]);
  const path = "/v1/members/customer:00300/accounts/Sample%20shop/expiries";
  const { status, body } = await api(server, key)("GET", path);
  assert.equal(status, 200);
  await page.goto("/admin/members/customer:00300");
  const shown = await page.locator("ol.expiries li strong").allInnerTexts();
  assert.ok(0 < shown.length);
  assert.deepEqual(shown.map(Number), body.data.slice(0, shown.length).map((it) => it.points));
});

test("older entries come with a click, and balances follow from entry to entry", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  await fillShop(server, await setUp(page, server));
  await page.goto("/admin/members/card:6001234");
  const rows = page.locator("table.history tbody tr:has(td.what)");
  const older = page.getByRole("link", { name: "Older entries" });
  assert.equal(await rows.count(), 25);
  await older.click();
  await rows.nth(49).waitFor();
  await older.click();
  await older.waitFor({ state: "detached" });
  const all = await rows.evaluateAll((all) =>
    all.map((row) => ({
      change: row.querySelector("td.change").textContent.trim(),
      balance: row.querySelector("td.after").lastChild.textContent.trim(),
      words: row.querySelector("td.what").innerText.trim(),
    })),
  );
  assert.ok(60 < all.length, `${all.length} entries`);
  let balance = 0;
  for (const entry of all.reverse()) {
    balance += Number(entry.change.replace("−", "-").replaceAll(",", "") || "0");
    assert.equal(entry.balance.replaceAll(",", ""), String(balance), entry.words);
  }
  assert.equal(all.filter((it) => /^Order web 1062: 500 points redeemed \(.*earned .*\), worth 5\.00/.test(it.words)).length, 1);
});

test("older entries come without scripts as well, and the way back is a link", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server, { scripts: false });
  await fillShop(server, await setUp(page, server));
  await page.goto("/admin/members/card:6001234");
  const first = await page.locator("td.what").first().innerText();
  await page.getByRole("link", { name: "Older entries" }).click();
  await page.getByRole("link", { name: "Back to the newest" }).waitFor();
  assert.notEqual(await page.locator("td.what").first().innerText(), first);
  await page.getByRole("link", { name: "Back to the newest" }).click();
  assert.equal(await page.locator("td.what").first().innerText(), first);
});

test("a member who only signed up has a page that says so", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  await fillShop(server, await setUp(page, server));
  await page.goto("/admin/members?q=%C3%A5ngst");
  await page.getByRole("link", { name: "Zoë Ångström" }).click();
  await page.getByRole("heading", { level: 1, name: "Zoë Ångström" }).waitFor();
  assert.equal(await page.locator(".tile.first .figure").innerText(), "0 points");
  await page.getByText("Nothing has happened yet").waitFor();
  await page.getByText("No order has named this member yet.").waitFor();
});

test("store credit and certificates stand beside the points, and those that are over say so", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  const key = await setUp(page, server);
  await fillClub(server, key);
  await page.goto("/admin/members/card:7001?program=Club");
  const call = api(server, key);
  const { body: credit } = await call("GET", "/v1/members/card:7001/credit");
  const shown = page.getByRole("region", { name: "Store credit" }).getByRole("listitem");
  const dollars = credit.data.find((it) => it.currency === "USD");
  assert.equal(await shown.innerText(), `Can be spent\n${dollars.available} USD`);

  const rows = await page.getByRole("region", { name: "Certificates" }).getByRole("listitem").allInnerTexts();
  const { body: all } = await call("GET", "/v1/members/card:7001/certificates");
  assert.deepEqual(all.data.map((it) => it.status), ["used", "active", "cancelled"]);
  assert.equal(rows.length, 3);
  assert.match(rows[0], /, without an end\n5\.00 USD$/);
  assert.match(rows[1], /, cancelled\n500\.00 USD$/);
  assert.match(rows[2], /, used up\n25\.00 USD$/);
});

test("a member that is none is a page that says so", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  page.expected.add(404);
  await enterSample(page);
  await page.goto("/admin/members/customer:none");
  await page.getByRole("heading", { level: 1, name: "There is nothing here" }).waitFor();
});
