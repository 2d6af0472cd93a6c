// Takes the picture in the README anew: `node picture.mjs`. A member of the whole sample shop, as on a laptop.

import { join } from "node:path";
import { newVisitor, openBrowser } from "./lib/browser.mjs";
import { newDatabase, root, start } from "./lib/server.mjs";
import { enterSample } from "./lib/visits.mjs";

/** Orders, a redemption, a cancelled order and an expiry. */
const MEMBER = "customer:01689";

const browser = await openBrowser();
const server = await start(["--database", process.env.SAMPLE ?? newDatabase(), "demo", "--listen", "127.0.0.1:0"]);
try {
  const page = await newVisitor(browser, server, { viewport: { width: 1200, height: 900 }, deviceScaleFactor: 1.5 });
  await enterSample(page);
  await page.goto(`/admin/members/${MEMBER}`);
  await page.screenshot({ path: join(root, "docs/images/member.png") });
} finally {
  await browser.close();
  await server.stop();
}
