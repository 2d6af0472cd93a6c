// The API's own pages: everything from this server, under a strict policy.

import assert from "node:assert/strict";
import { docs } from "../lib/places.mjs";
import { test } from "../lib/test.mjs";

test("the API can be read, with nothing from another host", async ({ visit, house }) => {
  const page = await visit(await house.sample());
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await docs(page);
  assert.ok(asked.includes("/v1/openapi.json"));
});
