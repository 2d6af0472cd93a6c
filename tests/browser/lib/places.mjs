// Every page there is, full and empty, with the way to it: what is audited, and what pictures are taken of.

import { newVisitor } from "./browser.mjs";
import { enterSample, fillClub, fillShop, makeKey, setUp } from "./visits.mjs";

/** Goes somewhere as somebody who is signed in; all such visitors of a server share one session. */
const inShop = (server, path, then) => ({
  server,
  async visit(page, shop) {
    shop.cookies ??= signIn(page, shop);
    await page.context().addCookies(await shop.cookies);
    await page.goto(path);
    await then?.(page);
  },
});

const inSample = (path, then) => inShop("sample", path, then);

async function signIn(page, shop) {
  if (shop.key) {
    await page.goto("/sign-in");
    await page.getByLabel("Admin key").fill(shop.key);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
  } else {
    await enterSample(page);
  }
  return page.context().cookies();
}

/** Opens everything that can be opened on a page. */
async function openAll(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
}

/** The viewer of the API, which is not ours: it says more into the console than matters, and axe is not content with it. */
export async function docs(page) {
  page.excused.push(
    // It tries whether it may evaluate strings, is refused by our policy, and goes on without.
    "'script-src' was not explicitly set",
    // It holds the document against a stricter schema of its own, and shows it all the same.
    "document validation errors",
    "[Object, Object",
  );
  await page.goto("/docs");
  await page.getByRole("heading", { name: "Record an order as it is now" }).first().waitFor();
}

/**
 * `server` is `sample`, `full` (a shop with two members and a club with three), `empty` (set up, and no order yet) or `new` (not set up).
 * `status`: what the page is answered with, where it is not 200. `without`: rules of axe that it does not keep.
 */
export const PLACES = {
  "sign-in-sample": { server: "sample", visit: (page) => page.goto("/sign-in") },
  "sign-in": { server: "full", visit: (page) => page.goto("/sign-in") },
  "sign-in-refused": {
    server: "full",
    status: 422,
    async visit(page) {
      await page.goto("/sign-in");
      await page.getByLabel("Admin key").fill("gdn_wrong");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  "set-up": { server: "new", visit: (page, shop) => page.goto(shop.link) },
  "set-up-help": {
    server: "new",
    async visit(page, shop) {
      await page.goto(shop.link);
      await openAll(page);
    },
  },
  "set-up-refused": {
    server: "new",
    status: 422,
    async visit(page, shop) {
      await page.goto(shop.link);
      await page.getByLabel("Earned for each 1.00 spent", { exact: true }).fill("many");
      await page.getByRole("button", { name: "Set up the program" }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  "set-up-done": {
    server: "own",
    visit: (page, shop) => setUp(page, shop),
  },
  "link": { server: "linked", visit: (page, shop) => page.goto(shop.link) },
  "link-used": {
    server: "linked",
    status: 403,
    async visit(page, shop) {
      await page.goto(shop.link.replace(/[^/]+$/, "used"));
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { level: 1, name: "You may not see this" }).waitFor();
    },
  },
  "figures": inSample("/admin"),
  "figures-90-days": inSample("/admin?period=90-days"),
  "figures-12-months": inSample("/admin?period=12-months"),
  "figures-all": inSample("/admin?period=all", openAll),
  "figures-empty": inShop("empty", "/admin"),
  "members": inSample("/admin/members"),
  "members-found": inSample("/admin/members?q=chen"),
  "members-nobody": inSample("/admin/members?q=nobody+is+called+so"),
  "members-empty": inShop("empty", "/admin/members"),
  "members-few": inShop("full", "/admin/members"),
  "member": inSample("/admin/members/customer:00300"),
  "member-long": inShop("full", "/admin/members/card:6001234"),
  "member-older": inShop("full", "/admin/members/card:6001234?before=30"),
  "member-empty": inShop("full", "/admin/members/phone:%2B4915112345678"),
  "member-of-a-club": inShop("full", "/admin/members/card:7001?program=Club"),
  "member-left": inShop("full", "/admin/members/card:7003?program=Club"),
  "figures-club": inShop("full", "/admin?program=Club"),
  "program-club": inShop("full", "/admin/programs/Club"),
  "programs": inSample("/admin/programs"),
  "program": inSample("/admin/programs/Sample%20shop"),
  "program-document": inSample("/admin/programs/Sample%20shop", openAll),
  "program-empty": inShop("empty", "/admin/programs/Bookshop%20Rewards"),
  "keys": inSample("/admin/keys"),
  "keys-full": inShop("full", "/admin/keys"),
  "key-made": inSample("/admin/keys", (page) => makeKey(page, "Till in the old town", ["read", "orders"])),
  "key-refused": {
    ...inSample("/admin/keys", async (page) => {
      for (const box of await page.getByRole("checkbox").all()) await box.uncheck();
      await page.getByLabel("Name", { exact: true }).fill("Idle");
      await page.getByRole("button", { name: "Make the key" }).click();
      await page.getByRole("alert").waitFor();
    }),
    status: 422,
  },
  "key-revoke": inShop("full", "/admin/keys", async (page) => {
    await page.getByRole("link", { name: /^Revoke/ }).first().click();
    await page.getByRole("heading", { level: 1, name: /^Revoke/ }).waitFor();
  }),
  "not-found": { ...inSample("/admin/nowhere"), status: 404 },
  "unreadable": { ...inSample("/admin/members?after=nothing"), status: 422 },
  "docs": {
    server: "sample",
    visit: docs,
    isForeign: true,
    without: [
      "aria-allowed-attr",
      "aria-required-children",
      "button-name",
      "color-contrast",
      "label-content-name-mismatch",
      "scrollable-region-focusable",
    ],
  },
};

/** The servers that the pages stand on, each made once. */
export class Grounds {
  #browser;
  #house;
  #made = new Map();

  constructor(browser, house) {
    this.#browser = browser;
    this.#house = house;
  }

  server(name) {
    if (name === "own") return this.#make(name);
    if (!this.#made.has(name)) this.#made.set(name, this.#make(name));
    return this.#made.get(name);
  }

  async #make(name) {
    if (name === "sample") return this.#house.sample();
    const shop = await this.#house.shop();
    if (name === "new" || name === "own") return shop;
    const page = await newVisitor(this.#browser, shop);
    shop.key = await setUp(page, shop);
    if (name === "full") {
      await fillShop(shop, shop.key);
      await fillClub(shop, shop.key);
      await makeKey(page, "Web shop", ["read", "orders", "members"]);
      await makeKey(page, "Till 1, ground floor", ["read", "orders"]);
      await page.goto("/admin/keys");
      await page.getByRole("link", { name: "Revoke Till 1" }).click();
      await page.getByRole("button", { name: "Revoke the key" }).click();
      await page.getByRole("status").waitFor();
    }
    await page.context().close();
    if (name !== "linked") return shop;
    await shop.stop();
    shop.isStopped = true;
    return this.#house.shop(shop.database, "--new-link");
  }
}
