import { spendCode, storeCode } from "../db/codes.ts";
import { listTokens, revokeToken, signIn } from "../db/sessions.ts";
import { createWholeView } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import { readId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { emailKind, isEmail, storable } from "../records/kinds.ts";
import { token } from "../records/token.ts";
import { listAnswer } from "./lists.ts";
import { type Authenticated, allowParameters, type Context, type Route } from "./route.ts";

export const signInRoutes: Route[] = [
  { method: "POST", path: "/auth/request", about: "mails you a 6-digit code", open: true, handle: requestCode },
  { method: "POST", path: "/auth/verify", about: "the code for a token", open: true, handle: verifyCode },
  { method: "GET", path: "/whoami", about: "who you are and where", handle: whoami },
  { method: "GET", path: "/tokens", about: "your sessions", handle: tokens },
  { method: "DELETE", path: "/tokens/{id}", about: "end a session", handle: revoke },
];

const CODE_MS = 600_000;
const MAILS_AN_HOUR = 6;

async function requestCode(context: Context): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, address, reading } = context;
  const email = readEmail(takeFields(context.body.values, ["email"]));
  const code = String(Math.floor(services.random() * 1_000_000)).padStart(6, "0");
  const request = { email, address, digest: codeDigest(context, email, code), now: reading.now };
  const { mail } = services;
  if (!(await storeCode(services.db.pool, request, reading.now + CODE_MS, mail ? MAILS_AN_HOUR : 1_000_000))) {
    throw new Problem("rate_limited", "you have asked for many codes already", "use the newest code in the mailbox, or wait", {
      headers: { "Retry-After": "600" },
    });
  }
  const next = `POST /auth/verify {"email":${JSON.stringify(email)},"code":"${mail ? "<code>" : code}","token_name":"<who you are>"}`;
  if (!mail) {
    services.log.info("sign-in code", { email, code });
    return {
      is: "message",
      message: `local mode: no mail is sent, this is the code for ${email}`,
      values: { code },
      hints: [next],
    };
  }
  await mail({
    to: email,
    subject: `Cardfile code ${code}`,
    text: `Your sign-in code is ${code}\n\nIt is good for 10 minutes, once. If you did not ask for it, ignore this mail.\n\n${services.baseUrl}\n`,
  });
  return { is: "message", message: `a code is on its way to ${email}`, hints: [`ask the user for it, then ${next}`] };
}

async function verifyCode(context: Context): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, address, reading } = context;
  const fields = takeFields(context.body.values, ["email", "code", "token_name"]);
  const email = readEmail(fields);
  const code = String(fields.code ?? "").replace(/\s+/g, "");
  if (!/^\d{6}$/.test(code))
    throw new Problem("invalid_code", "a code has 6 digits", 'POST /auth/request {"email":"…"} sends one');
  const name = readTokenName(fields.token_name);
  const spent = await spendCode(services.db.pool, {
    email,
    address,
    digest: codeDigest(context, email, code),
    now: reading.now,
  });
  if (!spent) {
    throw new Problem(
      "invalid_code",
      "this code is wrong, used, too old, or was tried too often",
      `ask for a new one: POST /auth/request {"email":${JSON.stringify(email)}}`,
    );
  }
  const secret = newSecret(services.random);
  const made = { id: services.ids("tok"), digest: services.seal.digest("token", secret), name };
  const person = {
    email,
    userId: services.ids("u"),
    workspaceId: services.ids("ws"),
    workspaceName: `${email.split("@")[0]}'s workspace`,
    timezone: "UTC",
  };
  const { workspaceId } = await signIn(services.db.pool, person, made, reading.now);
  return {
    is: "message",
    message: `signed in as ${email}; keep the token, it is shown once`,
    values: { token: secret, workspace: `workspace/ws_${workspaceId.slice(-8)}` },
    hints: [`send it with every request: Authorization: Bearer ${secret}`, "then GET /reminders, GET /contacts, or GET /help"],
  };
}

function takeFields(body: Record<string, unknown>, known: readonly string[]): Record<string, unknown> {
  for (const name of Object.keys(body)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new Problem(
      "invalid_field",
      `there is no field ${echo(name)} here`,
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}fields: ${known.join(", ")}`,
    );
  }
  return body;
}

function readEmail({ email }: Record<string, unknown>): string {
  if (email === undefined || email === null || email === "")
    throw new Problem("missing_field", "email is missing", '{"email":"you@example.com"}');
  const address = typeof email === "string" ? (emailKind.fromText(email) as string) : "";
  if (!isEmail(address))
    throw new Problem("invalid_email", `${echo(String(email))} is not an e-mail address`, `email expects ${emailKind.expects}`);
  return address;
}

function readTokenName(name: unknown): string {
  if (name === undefined || name === null || name === "") return "default";
  if (typeof name === "string" && name.length <= 100 && storable(name)) return name;
  throw new Problem("invalid_value", "token_name is a text of at most 100 characters", 'e.g. "token_name":"Claude"');
}

/** A code is stored for its address only, so that equal codes of two people have nothing in common. */
const codeDigest = ({ services }: Context, email: string, code: string) => services.seal.digest("code", `${email} ${code}`);

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `ck_` and 43 characters: 256 bits. */
function newSecret(random: () => number): string {
  return `ck_${Array.from({ length: 43 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("")}`;
}

function whoami(context: Authenticated): Answer {
  allowParameters(context.parameters, []);
  const { session } = context;
  return {
    is: "values",
    values: {
      user: `user/u_${session.userId.slice(-8)}`,
      email: session.email,
      workspace: `workspace/ws_${session.workspaceId.slice(-8)}`,
      workspace_name: session.workspaceName,
      timezone: session.timezone,
      role: session.role,
      token: `token/tok_${session.tokenId.slice(-8)}`,
      token_name: session.tokenName,
    },
  };
}

async function tokens(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, session, reading } = context;
  const rows = await listTokens(
    services.db.pool,
    session.userId,
    session.tokenId,
    reading.now - services.config.tokenDays * 86_400_000,
  );
  return listAnswer(createWholeView(token), { rows, nextCursor: null });
}

async function revoke(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, session, reading } = context;
  const reference = readId(context.path.id!);
  const id =
    reference?.prefix === "tok" ? await revokeToken(services.db.pool, session.userId, reference.key, reading.now) : undefined;
  if (!id) throw new Problem("not_found", `you have no token ${echo(context.path.id!)}`, "GET /tokens lists yours");
  services.forgetToken(id);
  return { is: "message", message: `revoked token/tok_${id.slice(-8)}`, values: { revoked: `token/tok_${id.slice(-8)}` } };
}
