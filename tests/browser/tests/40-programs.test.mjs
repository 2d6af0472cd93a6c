// A program in plain words, with its versions and channels.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/server.mjs";
import { test } from "../lib/test.mjs";
import { enterSample } from "../lib/visits.mjs";

test("the program of the sample shop is told in words and as its document", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.getByRole("link", { name: "Programs" }).click();
  await page.getByRole("link", { name: "Sample shop" }).click();
  await page.getByRole("heading", { level: 1, name: "Sample shop" }).waitFor();

  const sentences = await page.locator("ul.sentences li").allInnerTexts();
  assert.ok(sentences.some((it) => it.includes("1 point per 1.00")), sentences.join("\n"));
  await page.getByText("The program document (JSON)").click();
  const shown = JSON.parse(await page.locator("pre.code").innerText());
  assert.deepEqual(shown, JSON.parse(readFileSync(join(root, "demo/programs/sample.json"), "utf8")));

  const channels = await page.locator("section[aria-labelledby=channels] li span").allInnerTexts();
  assert.deepEqual(channels.sort(), ["till", "web"]);
  const current = page.locator("section[aria-labelledby=versions] [aria-current]");
  assert.equal(await current.innerText(), "Version 1");
});
