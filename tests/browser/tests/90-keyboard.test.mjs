// Without a mouse: everything is reached, seen and sent with the keyboard.

import assert from "node:assert/strict";
import { test } from "../lib/test.mjs";
import { enterSample } from "../lib/visits.mjs";

test("the first Tab offers to skip to the content, and does so", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.goto("/admin");
  await page.keyboard.press("Tab");
  assert.equal((await focused(page)).text, "Skip to the content");
  await assertVisibleFocus(page);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  await page.keyboard.press("Tab");
  assert.equal((await focused(page)).text, "30 days", "the menu is behind");
});

test("the sample shop is entered, searched and left with the keyboard alone", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await page.goto("/sign-in");
  await tabTo(page, "Enter the sample shop");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
  await tabTo(page, "Members");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Members" }).waitFor();
  assert.equal((await focused(page)).id, "q", "whoever opens the search can type at once");
  await page.keyboard.type("6090382000300");
  await page.keyboard.press("Enter");
  await page.getByText("1 found").waitFor();
  await tabTo(page, "Chen Sato");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Chen Sato" }).waitFor();
  await tabTo(page, "Sign out");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
});

test("a key is made with the keyboard alone", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  await enterSample(page);
  await page.goto("/admin/keys");
  await tabTo(page, (it) => it.id === "name");
  await page.keyboard.type("Keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await tabTo(page, "Make the key");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Keyboard has its key" }).waitFor();
});

/** What has the focus, as a person would name it. */
function focused(page) {
  return page.evaluate(() => {
    const it = document.activeElement;
    return { id: it.id, tag: it.tagName, text: (it.innerText ?? "").trim() };
  });
}

/** Goes on with Tab until it is there; whatever gets the focus on the way shows it. */
async function tabTo(page, wanted) {
  const isWanted = typeof wanted === "string" ? (it) => it.text === wanted : wanted;
  const passed = [];
  for (let step = 0; step < 200; step += 1) {
    await page.keyboard.press("Tab");
    const it = await focused(page);
    if (it.tag !== "BODY") await assertVisibleFocus(page);
    if (isWanted(it)) return;
    passed.push(it.text || it.id);
  }
  assert.fail(`Tab does not lead to ${wanted}, only to ${[...new Set(passed)].join(" | ")}`);
}

async function assertVisibleFocus(page) {
  const seen = await page.evaluate(() => {
    const it = document.activeElement;
    const draws = (it) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
      return (outlineStyle !== "none" && 2 <= Number.parseFloat(outlineWidth)) || boxShadow !== "none";
    };
    const box = it.getBoundingClientRect();
    return {
      what: it.outerHTML.slice(0, 120),
      // A link that stands for its whole row is drawn as the row.
      isDrawn: draws(it) || (it.closest("li") && draws(it.closest("li"))),
      isThere: 0 < box.width && 0 < box.height && 0 <= box.top && box.top < innerHeight && 0 <= box.left && box.left < innerWidth,
    };
  });
  assert.ok(seen.isDrawn, `the focus is not drawn: ${seen.what}`);
  assert.ok(seen.isThere, `the focus is out of sight: ${seen.what}`);
}
