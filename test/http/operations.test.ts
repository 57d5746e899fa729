import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../../src/kit/log.ts";
import { readConfig } from "../../src/service/config.ts";
import { runCommand } from "../../src/start/commands.ts";
import { startService } from "../helpers/service.ts";

test("metrics count by route, and require their token", async () => {
  const service = await startService({ config: { CRM_METRICS_TOKEN: "for prometheus" } });
  const ann = await service.signIn();
  await ann.send("GET", "/contacts/c_00000000");
  await ann.send("GET", "/contacts/c_11111111");
  await service.send("BREW", "/contacts");
  const { text, headers } = await service.send("GET", "/metrics", undefined, { authorization: "Bearer for prometheus" });
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(text, /^cardfile_request_duration_seconds_count\{method="GET",route="\/contacts\/\{id\}",status="404"\} 2$/m);
  assert.match(text, /^cardfile_request_duration_seconds_bucket\{.*le="\+Inf"\} 2$/m);
  assert.doesNotMatch(text, /BREW|c_0000/);
  assert.equal((await ann.send("GET", "/metrics")).status, 401);
  await service.close();
});

test("without a configured token /metrics does not exist", async () => {
  const service = await startService();
  assert.equal((await service.send("GET", "/metrics", undefined, { authorization: "Bearer " })).status, 404);
  await service.close();
});

test("the access log names request, route and token id, and no secret", async () => {
  const lines: string[] = [];
  const service = await startService({
    config: { CRM_ACCESS_LOG: "on" },
    log: createLog((line) => lines.push(line), Date.now),
  });
  const ann = await service.signIn();
  await ann.send("GET", "/contacts?email=jane@acme.com");
  await service.close();
  const line = lines.at(-1)!;
  assert.match(
    line,
    / event=request request_id=req_\w{26} method=GET route=\/contacts status=200 ms=[\d.]+ token_id=tok_\w{26}\n$/,
  );
  assert.doesNotMatch(lines.join(""), /jane|ck_[A-Za-z0-9]{40}/);
});

test("the command line makes a token, lists users and revokes a person's tokens", async () => {
  const service = await startService();
  const config = readConfig({ CRM_SECRET: "a secret of the tests, long enough" });
  const run = (...words: string[]) => runCommand(words, config, service.pool);
  const [line] = await run("token", "create", "Zed@Example.com", "cron");
  const token = line!.replace("token=", "");
  const who = await service.send("GET", "/whoami", undefined, { authorization: `Bearer ${token}` });
  assert.match(who.text, /^email=zed@example\.com$/m);
  assert.match(who.text, /^token_name=cron$/m);
  assert.match((await run("user", "list")).join("\n"), /^user\/u_\w{8} email=zed@example\.com tokens=1 created_at="/);
  assert.match((await run("user", "revoke", "zed@example.com"))[0]!, /^OK ended 1 tokens/);
  await assert.rejects(run("user", "revoke"), /^StartError: usage/);
  await assert.rejects(run("token", "create", "nobody"), /^StartError: usage/);
  await service.close();
});
