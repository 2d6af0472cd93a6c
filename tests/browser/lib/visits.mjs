// What a person does on the way to what a test is about.

import assert from "node:assert/strict";
import { api } from "./server.mjs";

/** Goes into the sample shop as its button says. */
export async function enterSample(page) {
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Enter the sample shop" }).click();
  await page.getByRole("heading", { level: 1, name: "Figures" }).waitFor();
}

/** Sets a new shop up from its one-time link; answers its first key, which may do everything. */
export async function setUp(page, server, name = "Bookshop Rewards") {
  await page.goto(server.link);
  await page.getByLabel("Name of the program", { exact: true }).fill(name);
  // As slowly as a finger: what the page does meanwhile must not move the button away.
  await page.getByRole("button", { name: "Set up the program" }).click({ delay: 120 });
  await page.getByRole("heading", { level: 1, name: `${name} is ready` }).waitFor();
  return shownKey(page);
}

/** The key that a page shows this once. */
export async function shownKey(page) {
  const key = await page.getByLabel("The key", { exact: true }).inputValue();
  assert.match(key, /^gdn_[0-9a-z]{40}$/);
  return key;
}

/** Makes a key; `scopes` as they stand in code beside their boxes. */
export async function makeKey(page, name, scopes) {
  await page.goto("/admin/keys");
  await page.getByLabel("Name", { exact: true }).fill(name);
  for (const box of await page.getByRole("checkbox").all()) {
    await box.setChecked(scopes.includes(await box.getAttribute("value")));
  }
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByRole("heading", { level: 1, name: `${name} has its key` }).waitFor();
  return shownKey(page);
}

/** An order of one line, placed and paid now. */
export function orderOf(member, amount, more = {}) {
  const at = new Date().toISOString();
  return { member, lines: [{ id: "1", amount }], placed_at: at, paid_at: at, ...more };
}

/** Signs somebody up over the API. */
export async function signUp(server, key, person) {
  const { status, body } = await api(server, key)("POST", "/v1/members", person, { "Idempotency-Key": person.identities[0].value });
  assert.equal(status, 201, JSON.stringify(body));
}

/** A shop with two members: one with a long history, a redemption, a hold and a cancelled order; one who only signed up. */
export async function fillShop(server, key) {
  const call = api(server, key);
  const ok = ({ status, body }) => assert.ok(status < 300, JSON.stringify(body));
  const people = [
    { name: "Ana Silva", identities: [{ kind: "card", value: "6001234" }, { kind: "email", value: "ana.silva@example.org" }] },
    { name: "Zoë Ångström", identities: [{ kind: "phone", value: "+4915112345678" }] },
  ];
  for (const person of people) await signUp(server, key, person);
  const put = (reference, order) => call("PUT", `/v1/channels/web/orders/${reference}`, order);
  for (let number = 1001; number <= 1060; number += 1) {
    ok(await put(number, orderOf("card:6001234", `${number - 960}.50`)));
  }
  const cancelled = orderOf("card:6001234", "19.90");
  ok(await put(1061, cancelled));
  ok(await put(1061, { ...cancelled, cancelled_at: cancelled.placed_at }));
  ok(await put(1062, orderOf("card:6001234", "80.00", { redeem: 500 })));
  const hold = { member: "card:6001234", program: "Bookshop Rewards", points: 200 };
  ok(await call("POST", "/v1/holds", hold, { "Idempotency-Key": "hold" }));
}
