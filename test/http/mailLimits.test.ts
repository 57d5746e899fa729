import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** Limits on the mails and guesses that one person causes, however the requests are worded. */

const HOUR = 3_600_000;
let clock = Date.parse("2026-06-01T08:00:00Z");
let service: Service;
let ann: Client;
let team: string;
before(async () => {
  service = await startService({ mail: true, now: () => clock });
  ann = await service.signIn("ann@example.com");
  team = await workspaceOf(ann);
});
after(() => service.close());

const workspaceOf = async (client: Client): Promise<string> =>
  (await client.send("GET", "/whoami?format=json")).json().workspace.split("/")[1];

const mailsTo = (email: string) => service.mails.filter(({ to }) => to === email);
const codeIn = (email: string) => /\d{6}/.exec(mailsTo(email).at(-1)!.text)![0];
const other = (code: string, by: number) => String((Number(code) + by) % 1_000_000).padStart(6, "0");
const withToken = (token: string, method: string, path: string, body?: unknown) =>
  service.send(method, path, body, { authorization: `Bearer ${token}` });

const inviteAdmin = (client: Client, workspace: string, email: string, code = "") =>
  client.send("POST", `/workspaces/${workspace}/invites${code && `?code=${code}`}`, { email, role: "admin" });
const invite = (client: Client, workspace: string, email: string) =>
  client.send("POST", `/workspaces/${workspace}/invites`, { email, role: "member" });
const atOnce = (times: number, send: (i: number) => Promise<Reply>) =>
  Promise.all(Array.from({ length: times }, (_, i) => send(i)));

test("a person gets twelve step-up codes an hour, for all actions together", async () => {
  const before = mailsTo(ann.email).length;
  const replies = await atOnce(60, (i) => inviteAdmin(ann, team, `evil+${i}@example.com`));
  assert.equal(mailsTo(ann.email).length - before, 12);
  assert.equal(replies.filter(({ status }) => status === 403).length, 12);
  const refused = replies.find(({ status }) => status !== 403)!;
  assert.equal(refused.status, 429, refused.text);
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "child" })).json().token;
  const another = await withToken(minted, "DELETE", `/workspaces/${team}`);
  assert.equal(another.status, 429, "a token that was minted has no codes of its own");
  clock += 2 * HOUR;
  assert.equal((await inviteAdmin(ann, team, "later@example.com")).status, 403);
});

test("a person has five guesses at step-up codes in all; a new code gives five more", async () => {
  clock += 2 * HOUR;
  const email = "grave@example.com";
  await inviteAdmin(ann, team, email);
  const code = codeIn(ann.email);
  const guesses = await atOnce(40, (i) => inviteAdmin(ann, team, i % 2 ? email : `evil+${i}@example.com`, other(code, i + 1)));
  assert.deepEqual(new Set(guesses.map(({ status }) => status)), new Set([403]));
  const late = await inviteAdmin(ann, team, email, code);
  assert.equal(late.status, 403, "they are used up");
  assert.match(late.text, /^ERROR escalation_required .* tried too often/);
  await inviteAdmin(ann, team, email);
  assert.equal((await inviteAdmin(ann, team, email, codeIn(ann.email))).status, 201);
});

test("right codes use up no guesses", async () => {
  clock += 2 * HOUR;
  for (let i = 0; i < 8; i++) {
    await inviteAdmin(ann, team, `right${i}@example.com`);
    assert.equal((await inviteAdmin(ann, team, `right${i}@example.com`, codeIn(ann.email))).status, 201);
  }
});

test("an invite is mailed once an hour, even when it is withdrawn and made again", async () => {
  clock += 2 * HOUR;
  const email = "bob@example.com";
  const replies = await atOnce(20, () => invite(ann, team, email));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([201]));
  assert.equal(mailsTo(email).length, 1);
  const handle = /^invite=invite\/(\w+)$/m.exec(replies[0]!.text)![1];
  assert.equal((await ann.send("DELETE", `/workspaces/${team}/invites/${handle}`)).status, 200);
  const again = await invite(ann, team, email);
  assert.match(again.text, /mailed in the last hour/);
  assert.equal(mailsTo(email).length, 1);
  clock += HOUR + 1;
  assert.match((await invite(ann, team, email)).text, /a mail tells them/);
  assert.equal(mailsTo(email).length, 2);
});

test("one mailbox gets twelve invite mails an hour from all workspaces; further invites are valid without a mail", async () => {
  clock += 2 * HOUR;
  const email = "popular@example.com";
  const homes: string[] = [];
  for (let i = 0; i < 20; i++) {
    const { handle } = (await ann.send("POST", "/workspaces?format=json", { name: `Home ${i}` })).json();
    homes.push(handle.split("/")[1]);
  }
  const replies = await atOnce(homes.length, (i) => invite(ann, homes[i]!, email));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([201]));
  assert.equal(mailsTo(email).length, 12);
  assert.ok(replies.some(({ text }) => /no mail is sent: tell them/.test(text)));
});

test("one person sends sixty invites an hour, from all their workspaces and tokens together", async () => {
  clock += 2 * HOUR;
  const before = service.mails.length;
  const { handle } = (await ann.send("POST", "/workspaces?format=json", { name: "Second" })).json();
  const second = handle.split("/")[1];
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "child" })).json().token;
  const child: Client = { ...ann, send: (method, path, body) => withToken(minted, method, path, body) };
  const replies = await atOnce(90, (i) => invite(i % 2 ? ann : child, i % 3 ? team : second, `crowd${i}@example.com`));
  assert.equal(replies.filter(({ status }) => status === 201).length, 60);
  assert.equal(service.mails.length - before, 60);
  assert.match(replies.find(({ status }) => status === 429)!.headers.get("retry-after") ?? "", /^\d+$/);
});

test("a workspace's name is one line in a mail, without invisible characters", async () => {
  clock += 2 * HOUR;
  const name = "Acme\r\nBcc: eve@example.com\n\nYour account is locked:\u2028http://evil.example \u202e\u200bx";
  const { handle } = (await ann.send("POST", "/workspaces?format=json", { name })).json();
  await invite(ann, handle.split("/")[1], "named@example.com");
  const { subject, text } = mailsTo("named@example.com")[0]!;
  const shown = "Acme Bcc: eve@example.com Your account is locked: http://evil.example x";
  assert.equal(subject, `ann@example.com invites you to ${shown}`);
  assert.equal(text.split("\n")[0], `ann@example.com invites you to the workspace ${shown} as member.`);
  await ann.send("PATCH", `/workspaces/${handle.split("/")[1]}`, { name: "n".repeat(200) });
  await invite(ann, handle.split("/")[1], "long@example.com");
  assert.ok(mailsTo("long@example.com")[0]!.subject.length < 130);
});

test("tokens share the rate limit of the token they were minted from", async () => {
  const limited = await startService({ config: { CRM_RATE: "20" } });
  const eve = await limited.signIn("eve@example.com");
  const mint = async (send: Client["send"]) => (await send("POST", "/tokens?format=json", { name: "child" })).json().token;
  const as = (token: string) => (method: string, path: string, body?: unknown) =>
    limited.send(method, path, body, { authorization: `Bearer ${token}` });
  const child = await mint(eve.send);
  const grandchild = await mint(as(child));
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++)
    for (const send of [eve.send, as(child), as(grandchild)]) statuses.push((await send("GET", "/whoami")).status);
  assert.equal(statuses.filter((status) => status === 200).length, 20 - 2);
  assert.equal(statuses.at(-1), 429);
  await limited.close();
});
