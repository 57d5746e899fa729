import { signIn } from "../db/sessions.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { emailKind, isEmail } from "../records/kinds.ts";
import { issueSignInCode, takeSignInCode } from "./codes.ts";
import { type Authenticated, allowParameters, type Context, type Route } from "./route.ts";
import { newToken, readTokenName } from "./tokens.ts";

export const signInRoutes: Route[] = [
  { method: "POST", path: "/auth/request", about: "mails you a 6-digit code", open: true, handle: requestCode },
  { method: "POST", path: "/auth/verify", about: "the code for a token", open: true, handle: verifyCode },
  { method: "GET", path: "/whoami", about: "who you are and where", needs: "member", handle: whoami },
];

async function requestCode(context: Context): Promise<Answer> {
  allowParameters(context.parameters, []);
  const email = readEmail(takeFields(context.body.values, ["email"]));
  const code = await issueSignInCode(context, email);
  const next = `POST /auth/verify {"email":${JSON.stringify(email)},"code":"${code ?? "<code>"}","token_name":"<who you are>"}`;
  if (code === undefined)
    return { is: "message", message: `a code is on its way to ${email}`, hints: [`ask the user for it, then ${next}`] };
  return {
    is: "message",
    message: `local mode: no mail is sent, this is the code for ${email}`,
    values: { code },
    hints: [next],
  };
}

async function verifyCode(context: Context): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, reading } = context;
  const fields = takeFields(context.body.values, ["email", "code", "token_name"]);
  const email = readEmail(fields);
  const code = String(fields.code ?? "").replace(/\s+/g, "");
  if (!/^\d{6}$/.test(code))
    throw new Problem("invalid_code", "a code has 6 digits", 'POST /auth/request {"email":"…"} sends one');
  const name = readTokenName(fields.token_name);
  if (!(await takeSignInCode(context, email, code))) {
    throw new Problem(
      "invalid_code",
      "this code is wrong, used, too old, or was tried too often",
      `ask for a new one: POST /auth/request {"email":${JSON.stringify(email)}}`,
    );
  }
  const { secret, ...token } = newToken(services, name);
  const workspaceName = `${email.split("@")[0]}'s workspace`;
  const person = { email, userId: services.ids("u"), workspaceId: services.ids("ws"), workspaceName, timezone: "UTC" };
  const { userId, workspaceId, joined } = await signIn(services.db.pool, person, token, reading.now);
  if (joined.length > 0) services.forget(userId);
  const others = joined.map((id) => shortId(id));
  return {
    is: "message",
    message: `signed in as ${email}; keep the token, it is shown once`,
    values: { token: secret, workspace: `workspace/${shortId(workspaceId)}` },
    hints: [
      `send it with every request: Authorization: Bearer ${secret}`,
      ...others.map((id) => `you have joined workspace/${id}: POST /workspaces/${id}/tokens gives a token for it`),
      "then GET /reminders, GET /contacts, or GET /help",
    ],
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
