// A new shop, from the printed link to its first order.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { api, newPostgres } from "../lib/server.mjs";
import { test } from "../lib/test.mjs";
import { orderOf, setUp, shownKey, signUp } from "../lib/visits.mjs";

test("a new shop is set up, sends its first order, and sees it", async ({ visit, house }) => {
  await firstOrder(visit, await house.shop());
});

test("a new shop in PostgreSQL is set up, sends its first order, and sees it", async ({ visit, house }) => {
  await firstOrder(visit, await house.shop(await newPostgres()));
});

async function firstOrder(visit, server) {
  const page = await visit(server);
  await page.goto(server.link);
  await page.getByLabel("Name of the program", { exact: true }).fill("Bean Club");
  await page.getByLabel("Several are", { exact: true }).fill("beans");
  await page.getByLabel("One of them is a", { exact: true }).fill("bean");
  // While it is typed, the page says what it comes to.
  await page.locator("#preview").getByText("bean").first().waitFor();
  await page.getByRole("button", { name: "Set up the program" }).click();
  await page.getByRole("heading", { level: 1, name: "Bean Club is ready" }).waitFor();
  const key = await shownKey(page);
  await page.getByRole("link", { name: "I have put the key away" }).click();
  await page.getByRole("heading", { name: "Nothing has happened yet" }).waitFor();

  await signUp(server, key, { name: "Ana Silva", identities: [{ kind: "card", value: "6001234" }] });
  const call = api(server, key);
  const { status, body } = await call("PUT", "/v1/channels/web/orders/1001", orderOf("card:6001234", "30.98"));
  assert.equal(status, 200, JSON.stringify(body));

  await page.reload();
  assert.match(await page.locator(".tile.first .figure").innerText(), /^30\s+beans$/);
  await page.getByRole("link", { name: "Members" }).click();
  await page.getByRole("status").getByText("1 member").waitFor();
  await page.getByRole("link", { name: "Ana Silva" }).click();
  const words = "Order web 1001: 30 beans earned (1 bean per 1.00 on 30.98, rounded down)";
  await page.getByText(words).waitFor();
  assert.match(await page.locator(".tile.first .figure").innerText(), /^30\s+beans$/);
}

test("the first steps can be copied into a terminal, and work", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server, { permissions: ["clipboard-read", "clipboard-write"] });
  await setUp(page, server);
  const nextSecond = Math.ceil(Date.now() / 1000) * 1000;
  await page.getByRole("link", { name: "I have put the key away" }).click();
  await page.getByRole("link", { name: "Make a key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Web shop");
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = await shownKey(page);
  await page.goto("/admin");
  const copied = async (index) => {
    await page.getByRole("button", { name: /^(Copy|Copied)$/ }).nth(index).click();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const member = await inTerminal(await copied(0), key);
  assert.equal(member.created, true, JSON.stringify(member));
  // The order names its second; it is placed once the program is there.
  await page.waitForFunction((it) => it <= Date.now(), nextSecond);
  const order = await inTerminal(await copied(1), key);
  assert.equal(order.status, "recorded", JSON.stringify(order));

  await page.goto("/admin/members");
  await page.getByRole("link", { name: "Ana Silva" }).click();
  await page.getByText("Order web 1001: 300 points earned").waitFor();
});

test("set-up works without scripts", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server, { scripts: false });
  const key = await setUp(page, server, "Plain Shop");
  assert.equal((await api(server, key)("GET", "/v1/programs")).body.data[0].name, "Plain Shop");
});

test("what cannot be used is said, beside what was typed, and the link is not used up", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  page.expected.add(422);
  await page.goto(server.link);
  await page.getByLabel("Time zone", { exact: true }).fill("Middle-earth");
  await page.getByLabel("Earned for each 1.00 spent", { exact: true }).fill("many");
  await page.getByRole("button", { name: "Set up the program" }).click();
  await page.getByRole("alert").getByText("Give the program a name.").waitFor();
  assert.equal(await page.getByLabel("Time zone", { exact: true }).inputValue(), "Middle-earth");
  assert.equal(await page.getByLabel("Earned for each 1.00 spent", { exact: true }).getAttribute("aria-invalid"), "true");
  await page.getByLabel("Name of the program", { exact: true }).fill("Second try");
  await page.getByLabel("Time zone", { exact: true }).fill("Europe/Lisbon");
  await page.getByLabel("Earned for each 1.00 spent", { exact: true }).fill("0.5");
  await page.getByRole("button", { name: "Set up the program" }).click();
  await page.getByRole("heading", { level: 1, name: "Second try is ready" }).waitFor();
});

test("a link works once; a new one signs in", async ({ visit, house }) => {
  const server = await house.shop();
  const page = await visit(server);
  await setUp(page, server);

  const other = await visit(server);
  other.expected.add(403);
  await other.goto(server.link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByText("This link is unknown, was used before").waitFor();
  await other.goto("/admin");
  assert.match(other.url(), /\/sign-in/);

  assert.equal(await server.stop(), 0);
  server.isStopped = true;
  const again = await house.shop(server.database, "--new-link");
  const third = await visit(again);
  await third.goto(again.link);
  await third.getByRole("button", { name: "Sign in" }).click();
  await third.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
});

/** What a command answers that somebody has copied into a terminal; the key is there as KEY. */
async function inTerminal(command, key) {
  const env = { ...process.env, KEY: key };
  const { stdout } = await promisify(execFile)("sh", ["-c", command], { env });
  return JSON.parse(stdout);
}
