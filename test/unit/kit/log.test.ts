import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePairs } from "../../../src/kit/line.ts";
import { createLog, silentLog } from "../../../src/kit/log.ts";

function recorder() {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    () => Date.parse("2026-06-01T08:12:44.123Z"),
  );
  return { lines, log };
}

test("an event is one logfmt line with its time and level", () => {
  const { lines, log } = recorder();
  log.info("listening", { port: 8080, host: "127.0.0.1", data: undefined, url: null, ready: true });
  log.warn("slow");
  log.error("failed", { message: 'no "x" here' });
  assert.deepEqual(lines, [
    "time=2026-06-01T08:12:44.123Z level=info event=listening port=8080 host=127.0.0.1 ready=true\n",
    "time=2026-06-01T08:12:44.123Z level=warn event=slow\n",
    'time=2026-06-01T08:12:44.123Z level=error event=failed message="no \\"x\\" here"\n',
  ]);
});

test("a caller's text cannot forge a second line or pair", () => {
  const { lines, log } = recorder();
  const path = '/x" level=error\ntime=2026 level=info event=forged\u2028\u202e';
  log.info("request", { path });
  assert.equal(lines.length, 1);
  const line = lines[0] ?? "";
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(parsePairs(line.trimEnd()).slice(2), [
    ["event", "request"],
    ["path", path],
  ]);
});

test("the log blanks tokens in every field", () => {
  const { lines, log } = recorder();
  const token = "ck_9aBcDeFgHiJkLmNoPqRsT";
  log.info("request", { authorization: `Bearer ${token}`, path: `/x?token=${token}&y=1`, token });
  log.error(`bad ${token}`);
  assert.equal(lines.join("").includes("9aBcDeFg"), false);
  assert.match(
    lines[0] ?? "",
    /authorization="Bearer ck_\[redacted\]" path="\/x\?token=ck_\[redacted\]&y=1" token=ck_\[redacted\]\n/,
  );
  log.info("tokens", { body: "access_token=cka_9aBcDeFgHiJkLm&refresh_token=ckr_9aBcDeFg-HiJkLm_x" });
  assert.match(lines[2] ?? "", /"access_token=ck_\[redacted\]&refresh_token=ck_\[redacted\]"\n$/);
  log.info("keys", { body: "acrm_live_9aBcDeFgHiJkLm,acrm_dev_9aBcDeFgHiJkLm" });
  assert.match(lines.pop() ?? "", / body=ck_\[redacted\],ck_\[redacted\]\n$/);
  log.info("record", { handle: "contact/c_t4v6w8y0", slack_id: "ck_short" });
  assert.match(lines[3] ?? "", /handle=contact\/c_t4v6w8y0 slack_id=ck_short\n$/);
});

test("the silent log writes nothing", () => {
  for (const level of ["info", "warn", "error"] as const) assert.equal(silentLog[level]("event", { a: 1 }), undefined);
});
