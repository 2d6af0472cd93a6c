// Finding a member as people type, with scripts and without.

import assert from "node:assert/strict";
import { test } from "../lib/test.mjs";
import { enterSample, fillShop, setUp } from "../lib/visits.mjs";

/** A member of the sample shop; the shop is invented from a fixed seed. */
const SHOWN = { name: "Chen Sato", card: "6090382000300", customer: "00300" };

test("a member is found live while somebody types", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.getByRole("link", { name: "Members" }).click();
  await page.getByRole("status").getByText("885 members, newest first").waitFor();

  const loads = [];
  page.on("request", (request) => request.isNavigationRequest() && loads.push(request.url()));
  await field(page).pressSequentially("chen sat", { delay: 20 });
  await results(page).getByRole("link", { name: SHOWN.name }).first().waitFor();
  await page.waitForURL(/q=chen/);
  assert.deepEqual(loads, [], "no page is loaded anew");

  await field(page).fill(SHOWN.card);
  await results(page).getByText("1 found").waitFor();
  assert.equal(await results(page).getByRole("listitem").filter({ hasText: SHOWN.card }).count() > 0, true);

  await field(page).fill("nobody is called so");
  await results(page).getByRole("heading", { name: "Nobody found for “nobody is called so”" }).waitFor();
  await results(page).getByRole("link", { name: "Show the newest members" }).click();
  await page.getByRole("status").getByText("885 members").waitFor();
});

test("the address of a search can be kept, and the way back leads to it", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.goto("/admin/members");
  await field(page).fill(SHOWN.card);
  await results(page).getByText("1 found").waitFor();
  await page.waitForURL(/q=/);
  const address = page.url();

  await results(page).getByRole("link", { name: SHOWN.name }).click();
  await page.getByRole("heading", { level: 1, name: SHOWN.name }).waitFor();
  await page.goBack();
  await results(page).getByText("1 found").waitFor();
  assert.equal(await field(page).inputValue(), SHOWN.card);
  await page.getByRole("link", { name: "Guerdon" }).waitFor({ timeout: 5_000 });

  await page.goto(address);
  await results(page).getByText("1 found").waitFor();
});

test("search works without scripts", async ({ visit, house }) => {
  const page = await visit(await house.sample(), { scripts: false });
  await enterSample(page);
  await page.getByRole("link", { name: "Members" }).click();
  await field(page).fill(SHOWN.customer);
  await field(page).press("Enter");
  await results(page).getByText("1 found").waitFor();
  await results(page).getByRole("link", { name: SHOWN.name }).click();
  await page.getByRole("heading", { level: 1, name: SHOWN.name }).waitFor();

  await page.goBack();
  await field(page).fill("nobody is called so");
  await page.getByRole("button", { name: "Search" }).click();
  await results(page).getByRole("heading", { name: "Nobody found" }).waitFor();
});

test("the list goes on page by page, and nobody appears twice", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.goto("/admin/members");
  const seen = new Set();
  let shown = 0;
  for (let count = 0; count < 3; count += 1) {
    const links = await results(page).locator("ul.people a").evaluateAll((all) => all.map((it) => it.pathname));
    links.forEach((it) => seen.add(it));
    shown += links.length;
    const next = results(page).getByRole("link", { name: "More members" });
    await Promise.all([page.waitForNavigation(), next.click()]);
  }
  assert.equal(seen.size, shown);
  assert.ok(20 < shown);
});

test("names, cards, phones and the beginning of an e-mail address find their member", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  const key = await setUp(page, server);
  await fillShop(server, key);
  await page.goto("/admin/members");
  await page.getByRole("status").getByText("2 members").waitFor();
  for (const [typed, name] of [
    ["sil", "Ana Silva"],
    ["SILVA ana", "Ana Silva"],
    ["6001234", "Ana Silva"],
    ["600 1234", "Ana Silva"],
    ["ana.sil", "Ana Silva"],
    ["ANA.SILVA@example.org", "Ana Silva"],
    ["ångst", "Zoë Ångström"],
    ["+49 151 12345678", "Zoë Ångström"],
  ]) {
    await field(page).fill("");
    await page.getByRole("status").getByText("2 members").waitFor();
    await field(page).fill(typed);
    await results(page).getByText("1 found").waitFor();
    assert.equal(await results(page).locator("ul.people a").innerText(), name, typed);
  }
});

const field = (page) => page.getByRole("searchbox");
const results = (page) => page.locator("#results");
