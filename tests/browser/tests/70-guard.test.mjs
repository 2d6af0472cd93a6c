// What other sites, old pages and guesses get: nothing, in words.

import assert from "node:assert/strict";
import { test } from "../lib/test.mjs";
import { enterSample } from "../lib/visits.mjs";

test("a form that another site sends is refused", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  await enterSample(page);
  await page.goto("/admin/keys");
  const csrf = await page.locator("form[action='/admin/keys'] input[name=csrf]").inputValue();
  const keys = async () => {
    await page.goto("/admin/keys");
    return page.locator("ul.keys li").count();
  };
  const before = await keys();
  const send = (form, headers) => page.context().request.post("/admin/keys", { form, headers });
  const form = { name: "Stolen", scope: "admin" };
  assert.equal((await send(form, {})).status(), 403, "without the token of the session");
  assert.equal((await send({ ...form, csrf: "guessed" }, {})).status(), 403, "with a guessed one");
  const origin = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
  assert.equal((await send({ ...form, csrf }, origin)).status(), 403, "from another origin, even with it");
  assert.equal(await keys(), before, "no key was made");
});

test("a page on another origin cannot use the session", async ({ visit, house }) => {
  const server = await house.sample();
  const page = await visit(server);
  page.expected.add(403);
  await enterSample(page);
  // The same server under its other name is another site to the browser.
  const evil = server.url.replace("localhost", "127.0.0.1");
  await page.route(`${evil}/evil`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${server.url}/sign-out"><button>Win a prize</button></form>`,
    }),
  );
  await page.goto(`${evil}/evil`);
  await page.getByRole("button", { name: "Win a prize" }).click();
  await page.waitForURL(`${server.url}/**`);
  await page.goto(`${server.url}/admin`);
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
  page.faults = page.faults.filter((it) => !it.startsWith(`asks another host: ${evil}/`));
});

test("nobody is sent to another site after signing in", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await page.goto("/sign-in?next=https://evil.example/");
  await page.getByRole("button", { name: "Enter the sample shop" }).click();
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
});

test("an address that leads nowhere is a page with a way on", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  page.expected.add(404);
  await enterSample(page);
  for (const path of ["/nowhere", "/admin/nowhere", "/admin/programs/None"]) {
    const response = await page.goto(path);
    assert.equal(response.status(), 404, path);
    await page.getByRole("heading", { level: 1, name: "There is nothing here" }).waitFor();
  }
  await page.getByRole("link", { name: "To the figures" }).click();
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
});
