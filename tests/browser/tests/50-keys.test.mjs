// Keys: the secret is shown once, works at once, and no longer than until it is revoked.

import assert from "node:assert/strict";
import { api } from "../lib/server.mjs";
import { test } from "../lib/test.mjs";
import { enterSample, makeKey } from "../lib/visits.mjs";

test("a key works from the moment it is shown until it is revoked", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  const key = await makeKey(page, "Web shop", ["read"]);
  const programs = () => api(server, key)("GET", "/v1/programs");
  assert.equal((await programs()).status, 200);
  assert.equal((await api(server, key)("PUT", "/v1/channels/web/orders/x", {})).status, 403, "it may only read");

  await page.getByRole("link", { name: "I have put it away" }).click();
  await page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
  assert.ok(!(await page.content()).includes(key), "the secret is not shown again");
  const row = page.locator("ul.keys li").filter({ hasText: `…${key.slice(-4)}` });
  await row.getByRole("link", { name: "Revoke Web shop" }).click();
  await page.getByRole("heading", { name: "Revoke “Web shop”?" }).waitFor();
  await page.getByRole("link", { name: "Keep it" }).click();
  assert.equal((await programs()).status, 200, "who thinks better of it keeps the key");

  await row.getByRole("link", { name: "Revoke Web shop" }).click();
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await page.getByRole("status").getByText("The key was revoked").waitFor();
  await row.getByText("revoked").first().waitFor();
  const refused = await programs();
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, "unauthorized");
});

test("the line for the terminal is the one that works", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  await makeKey(page, "Terminal", ["read"]);
  const line = await page.getByLabel("See that it works").inputValue();
  const parts = /^curl -H "Authorization: (Bearer \S+)" (\S+)$/.exec(line);
  assert.ok(parts, line);
  const response = await fetch(parts[2], { headers: { Authorization: parts[1] } });
  assert.equal(response.status, 200);
});

test("the key is copied with one click", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server, { permissions: ["clipboard-read", "clipboard-write"] });
  await enterSample(page);
  const key = await makeKey(page, "Copied", ["read"]);
  await page.getByRole("button", { name: "Copy" }).first().click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
});

test("a key without a right is refused, and what was typed is still there", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  page.expected.add(422);
  await enterSample(page);
  await page.goto("/admin/keys");
  await page.getByLabel("Name", { exact: true }).fill("Idle");
  for (const box of await page.getByRole("checkbox").all()) await box.uncheck();
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByRole("alert").getByText("Choose at least one thing").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Idle");
});
