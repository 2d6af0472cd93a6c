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

const CLUB = {
  format: 1,
  name: "Club",
  currency: "USD",
  time_zone: "America/New_York",
  earn: { points: 1, per: "1.00", on: "paid" },
  promotions: [{ name: "Autumn of coffee", times: "2", categories: ["coffee"], from: "2026-01-01" }],
  validity: { months: 12 },
  convert: { points: 500, credit: "5.00" },
  activities: { sign_up: 50, custom: [{ name: "review", points: 25, per_month: 3 }] },
  tiers: {
    by: "spend",
    within: "12_months",
    levels: [
      { name: "Silver", from: "200.00", earn: { points: 2, per: "1.00" } },
      { name: "Gold", from: "2000.00" },
    ],
  },
};

/**
 * A club beside it, with tiers, conversion and acts: one member with all there is, certificates and store credit among it, a
 * merge and an order that had no member at first; and one who has left.
 */
export async function fillClub(server, key) {
  const call = api(server, key);
  let number = 0;
  const send = async (method, path, body, headers) => {
    const { status, body: answer } = await call(method, path, body, headers);
    assert.ok(status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const post = (path, body) => send("POST", path, body, { "Idempotency-Key": `club-${(number += 1)}` });
  const order = (reference, body) => send("PUT", `/v1/channels/club/orders/${reference}`, body);
  await post("/v1/programs", { document: CLUB });
  await post("/v1/channels", { name: "club", program: "Club" });
  const people = [["Maria do Carmo", "7001"], ["Maria Carmo", "7002"], ["Ben Okafor", "7003"]];
  for (const [name, card] of people) await signUp(server, key, { name, identities: [{ kind: "card", value: card }] });

  const maria = "/v1/members/card:7001";
  const beans = { id: "1", product: "Beans", category: "coffee", amount: "120.00" };
  await order("C-1", { ...orderOf("card:7001", "0"), lines: [beans, { id: "2", amount: "95.50" }] });
  await order("C-2", orderOf("card:7001", "310.00"));
  await order("C-2", { ...orderOf("card:7001", "310.00"), refunded: "60.00" });
  await post(`${maria}/accounts/Club/activities`, { name: "review" });
  const coupon = { program: "Club", members: ["card:7001"], value: "25.00", note: "Sorry for the late parcel", expires: { months: 12 } };
  const { data: given } = await post("/v1/certificates", coupon);
  await post("/v1/certificates", { ...coupon, value: "5.00", note: "Thank you", expires: "never" });
  const { data: wrong } = await post("/v1/certificates", { ...coupon, value: "500.00", note: "Typed wrong" });
  await post("/v1/certificate-cancellations", { certificates: [wrong[0].certificates[0].code], note: "Typed wrong" });
  await order("C-3", orderOf("card:7001", "40.00", { certificates: [given[0].certificates[0].code], redeem: 100, credit: "2.00" }));
  const { member: _, ...guest } = orderOf("", "18.40");
  await order("C-4", guest);
  await order("C-4", { ...guest, member: "card:7001" });
  await post(`${maria}/credit/USD/adjustments`, { amount: "5.00", note: "Sorry for the late parcel" });
  await order("C-5", orderOf("card:7002", "64.90"));

  await order("C-6", orderOf("card:7003", "100.00"));
  await post("/v1/members/card:7003/accounts/Club/closings", { grace_days: 30, note: "Asked to leave" });
}
