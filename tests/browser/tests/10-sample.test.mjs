// The sample shop: the first thing that anybody sees of Guerdon.

import assert from "node:assert/strict";
import { api } from "../lib/server.mjs";
import { test } from "../lib/test.mjs";
import { enterSample, makeKey } from "../lib/visits.mjs";

test("whoever opens the sample shop is let in with one click, and out with another", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await page.goto("/admin/members");
  assert.match(page.url(), /\/sign-in/, "who is not signed in is asked to");
  await page.getByRole("button", { name: "Enter the sample shop" }).click();
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await page.goto("/admin");
  assert.match(page.url(), /\/sign-in$/, "the session has ended");
});

test("a key that is none lets nobody in, and says so", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  page.expected.add(422);
  await page.goto("/sign-in");
  await page.getByLabel("Admin key").fill("gdn_0000000000000000000000000000000000000000");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").getByText("There is no such key").waitFor();
  await page.goto("/admin");
  assert.match(page.url(), /\/sign-in/);
});

test("a key without the scope admin does not sign in; one with it does", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  const weak = await makeKey(page, "Till", ["read", "orders"]);
  const strong = await makeKey(page, "Owner", ["admin"]);

  const other = await visit(server);
  other.expected.add(422);
  await other.goto("/admin/keys");
  await other.getByLabel("Admin key").fill(weak);
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await other.getByRole("alert").getByText("scope admin").waitFor();
  await other.getByLabel("Admin key").fill(strong);
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await other.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
});

test("the figures are those of the command line and of the API", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  await page.getByRole("navigation", { name: "Period" }).getByRole("link", { name: "All" }).click();
  const shown = await tiles(page);

  // What `guerdon demo` printed when it had loaded the shop.
  const printed = (label) => new RegExp(`^ *${label} +([\\d,]+)`, "m").exec(server.printed)?.[1];
  assert.equal(shown.Members, printed("Members"));
  assert.equal(shown.Orders, printed("Orders"));
  assert.equal(shown.Outstanding, printed("Points outstanding"));
  assert.equal(shown.Owed, printed("Points owed"));

  const key = await makeKey(page, "Reader", ["read"]);
  const { status, body } = await api(server, key)("GET", `/v1/programs/Sample%20shop/days?${lastYears()}`);
  assert.equal(status, 200);
  const sum = (...fields) => body.data.flatMap((day) => fields.map((field) => day[field])).reduce((a, b) => a + b, 0);
  const outstanding =
    sum("earned", "added", "returned", "regranted") - sum("redeemed", "revoked", "repaid", "deducted", "expired", "moved");
  assert.equal(number(shown.Outstanding), outstanding);
  assert.equal(number(shown.Orders), sum("orders"));
  assert.equal(number(shown.Owed), sum("owed"));
});

test("each period has its span, its columns and a statement that adds up", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  const spans = new Set();
  for (const period of ["30 days", "90 days", "12 months", "All"]) {
    const link = page.getByRole("navigation", { name: "Period" }).getByRole("link", { name: period, exact: true });
    await link.click();
    await page.locator(`nav.segments a[aria-current]:text-is("${period}")`).waitFor();
    spans.add(await page.locator("section[aria-labelledby=over-time] header p").innerText());

    const lines = await page.locator("table.statement tr").evaluateAll((rows) =>
      rows.map((row) => ({ isSum: row.classList.contains("sum"), value: row.querySelector("td").innerText })),
    );
    const sums = lines.filter((it) => it.isSum).map((it) => number(it.value));
    const changes = lines.filter((it) => !it.isSum).reduce((sum, it) => sum + number(it.value), 0);
    const before = sums.length === 2 ? sums[0] : 0;
    assert.equal(before + changes, sums.at(-1), `${period}: ${JSON.stringify(lines)}`);

    // The drawing and the table beneath it are the same figures.
    const columns = await page.locator("svg.drawing g.column").count();
    await page.getByText("The same as a table").click();
    assert.equal(await page.locator("figure.chart tbody tr").count(), columns);
    assert.ok(1 < columns, `${period} has ${columns} columns`);
  }
  assert.equal(spans.size, 4, [...spans].join("; "));
});

test("the channels' orders are all orders", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.goto("/admin?period=all");
  const cells = await page.locator("section[aria-labelledby=channels] tbody td:nth-child(2)").allInnerTexts();
  assert.ok(2 <= cells.length, "the sample shop sells in two places");
  assert.equal(cells.reduce((sum, it) => sum + number(it), 0), number((await tiles(page)).Orders));
});

/** The tiles by their labels, without units. */
async function tiles(page) {
  const pairs = await page.locator("dl.tiles .tile").evaluateAll((all) =>
    all.map((it) => [it.querySelector("dt").innerText, it.querySelector("dd.figure").firstChild.textContent.trim()]),
  );
  return Object.fromEntries(pairs);
}

/** "−1,250" as a number. */
function number(text) {
  const value = Number(text.replaceAll(",", "").replace("−", "-").trim());
  assert.ok(Number.isInteger(value), `"${text}" is a whole number`);
  return value;
}

function lastYears() {
  const day = (offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  return `from=${day(-3_600)}&to=${day(1)}`;
}
