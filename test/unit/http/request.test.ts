import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../../src/formats/text.ts";
import { NO_BODY } from "../../../src/http/body.ts";
import { fromInside } from "../../../src/http/request.ts";
import { readTarget } from "../../../src/http/target.ts";
import { addressOf, readContext } from "../../../src/service/context.ts";
import type { Services } from "../../../src/service/route.ts";

const inner = (body: string, headers: Record<string, string> = {}) =>
  fromInside({ method: "POST", target: "/contacts", headers, body }, "192.0.2.7");

test("an inner request has the same fields as one from a socket", () => {
  const request = inner('{"name":"Zoë"}', { "x-reason": "Zoë rief an ☎", "x-agent": "Claude" });
  assert.equal(request.headers["content-length"], "15");
  const context = readContext({
    services: {} as Services,
    request,
    requestId: "req_1",
    target: readTarget(request.target),
    path: {},
    format: text,
    address: addressOf(request, true),
    authorization: undefined,
    now: 0,
    session: undefined,
    body: NO_BODY,
    mustPropose: false,
    db: {} as Services["db"],
    approved: undefined,
  });
  assert.equal(context.author.reason, "Zoë rief an ☎");
  assert.equal(context.author.agent, "Claude");
  assert.equal(context.address, "192.0.2.7");
});

test("an inner body has the same limit, in bytes", async () => {
  assert.equal(await inner("ë").text(2), "ë");
  await assert.rejects(inner("ë").text(1), { code: "body_too_large" });
});
