// Takes a picture of every page: `node screens.mjs [FOLDER] [PART OF A NAME]`, in light and dark, on a phone and on a desk.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { newVisitor, openBrowser, SIZES } from "./lib/browser.mjs";
import { Grounds, PLACES } from "./lib/places.mjs";
import { root } from "./lib/server.mjs";
import { House } from "./lib/test.mjs";

const folder = resolve(process.argv[2] ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "screens"));
const filter = process.argv[3] ?? "";
mkdirSync(folder, { recursive: true });

const browser = await openBrowser();
const house = new House();
const grounds = new Grounds(browser, house);
let count = 0;
try {
  for (const [name, place] of Object.entries(PLACES).filter(([name]) => name.includes(filter))) {
    const server = await grounds.server(place.server);
    const page = await newVisitor(browser, server);
    await place.visit(page, server);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: !place.isForeign });
        count += 1;
      }
    }
    await page.context().close();
  }
} finally {
  await browser.close();
  await house.close();
}
console.log(`${count} pictures in ${folder}`);
