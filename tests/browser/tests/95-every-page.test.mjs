// Every page, in light and dark, on a phone and on a desk: what axe and a ruler can measure.

import assert from "node:assert/strict";
import { axe, overflow } from "../lib/axe.mjs";
import { SIZES } from "../lib/browser.mjs";
import { Grounds, PLACES } from "../lib/places.mjs";
import { test } from "../lib/test.mjs";

let grounds;

for (const [name, place] of Object.entries(PLACES)) {
  test(`the page ${name} is within reach of everybody, at any size, light and dark`, async ({ browser, house, visit }) => {
    grounds ??= new Grounds(browser, house);
    const server = await grounds.server(place.server);
    const page = await visit(server);
    if (place.status) page.expected.add(place.status);
    await place.visit(page, server);
    const findings = [];
    const schemes = place.isForeign ? ["light"] : ["light", "dark"];
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      if (!place.isForeign) findings.push(...(await overflow(page)).map((it) => `${size}: ${it}`));
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        findings.push(...(await axe(page, place)).map((it) => `${size}, ${colorScheme}: ${it}`));
      }
    }
    assert.deepEqual(findings, [], `\n${findings.join("\n")}`);
  });
}
