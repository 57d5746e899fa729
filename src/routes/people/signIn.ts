import { z } from "zod";
import { newPerson, signIn } from "../../db/people/users.ts";
import { readUsage } from "../../db/records/usage.ts";
import type { Named } from "../../derive/operation.ts";
import { textType } from "../../fields/text.ts";
import type { FieldType } from "../../fields/type.ts";
import { choice, email, phrase, required, text, time } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { ROLES } from "../../kit/scope.ts";
import { showInstant } from "../../kit/time.ts";
import type { Kind } from "../../records/kind.ts";
import type { Authenticated, Context, Route } from "../../service/route.ts";
import { claimAddress } from "./claim.ts";
import { issueSignInCode, takeSignInCode, withoutSpaces } from "./codes.ts";
import { newToken } from "./tokens.ts";

/** A code must be text, because a JSON number loses its leading zeros. */
const codeKind: FieldType = {
  ...textType(20, "the 6 digits of the newest code, or its long form"),
  name: "code",
  schema: z.union([z.string().regex(/^(\d{6}|[a-z]{4}(-?[a-z]{4}){3})$/), z.int().min(0).max(999_999)]),
  refusal: "invalid_code",
  fromText: withoutSpaces,
  toColumn: (digits) => String(digits).padStart(6, "0"),
};

export const signInRoutes = (kinds: readonly Kind[]): Route[] => [
  {
    method: "POST",
    path: "/auth/request",
    about: "mail you a 6-digit code to sign in with",
    open: true,
    body: {
      is: "values",
      values: { email: required(email({ about: "your address" })) },
      example: { email: "you@example.com" },
    },
    answers: { is: "message", values: { code: text({ about: "the code itself; in local mode only, where no mail is sent" }) } },
    handle: requestCode,
  },
  {
    method: "POST",
    path: "/auth/verify",
    about: "trade the mailed code for a token",
    open: true,
    body: {
      is: "values",
      values: {
        email: required(email({ about: "the address the code was mailed to" })),
        code: { type: codeKind, about: "the code in the mail", required: true },
        token_name: phrase({ about: "who you are: a name to know the token by", initially: "default" }, 100),
      },
      example: { email: "you@example.com", code: "123456", token_name: "Claude" },
    },
    answers: {
      is: "message",
      values: {
        token: required(text({ about: "the token, shown once" })),
        workspace: required(text({ about: "the workspace it acts in" })),
      },
    },
    refuses: ["invalid_code"],
    handle: verifyCode,
  },
  {
    method: "GET",
    path: "/whoami",
    about: "who you are and where",
    needs: "member",
    answers: {
      is: "values",
      values: {
        user: required(text({ about: "your handle" })),
        email: required(email({ about: "your address" })),
        workspace: required(text({ about: "the workspace the token acts in" })),
        workspace_name: required(text({ about: "its name" })),
        timezone: required(text({ about: "its time zone" })),
        role: required(choice(ROLES, { about: "what you are in it" })),
        token: required(text({ about: "the token of this request" })),
        token_name: required(text({ about: "its name" })),
        scopes: text({ about: "what it may do at most; all that you may when absent" }),
        expires_at: time({ about: "when the token ends in any case" }),
        claim: text({ about: "of a workspace that nobody has claimed: the address at which a person keeps it" }),
        plan: required(text({ about: "the workspace's plan" })),
        ...usageValues(kinds),
      },
    },
    handle: whoami,
  },
];

function usageValues(kinds: readonly Kind[]): Named {
  const usage = text({ about: "how many the workspace has and may have, as 12 / 1000; only what its plan caps" });
  return Object.fromEntries(kinds.map(({ plural }) => [plural, usage]));
}

async function requestCode(context: Context): Promise<Answer> {
  const { email: address } = context.body.values as { email: string };
  const { code, whereabouts } = await issueSignInCode(context, address);
  const next = `POST /auth/verify {"email":${JSON.stringify(address)},"code":"${code ?? "<code>"}","token_name":"<who you are>"}`;
  const ask = code === undefined ? "ask the user for it, then " : "";
  return { is: "message", message: whereabouts, values: code === undefined ? {} : { code }, hints: [`${ask}${next}`] };
}

async function verifyCode(context: Context): Promise<Answer> {
  const { services, reading } = context;
  const sent = context.body.values as { email: string; code: string; token_name: string };
  if (!(await takeSignInCode(context, sent.email, sent.code))) {
    throw new Problem(
      "invalid_code",
      "this code is wrong, used, too old, or was tried too often",
      `ask for a new one: POST /auth/request {"email":${JSON.stringify(sent.email)}}`,
    );
  }
  const { secret, ...token } = newToken(services, sent.token_name);
  const person = newPerson(sent.email, services.ids);
  const { userId, workspaceId, joined } = await signIn(services.db.pool, person, token, reading.now);
  if (joined.length > 0) services.forget(userId);
  const others = joined.map((id) => shortId(id));
  return {
    is: "message",
    message: `signed in as ${sent.email}; keep the token, it is shown once`,
    values: { token: secret, workspace: `workspace/${shortId(workspaceId)}` },
    hints: [
      "send it with every request: Authorization: Bearer <token>",
      ...others.map((id) => `you have joined workspace/${id}: POST /workspaces/${id}/tokens gives a token for it`),
      "then GET /reminders, GET /contacts, or GET /help",
    ],
  };
}

/** The usage of each cap in the plan, as `contacts: 12 / 1000`. */
async function usageOf({ db, services, session }: Authenticated): Promise<Record<string, string>> {
  const { name, caps } = services.plans.of(session.plan);
  const used = Object.keys(caps).length > 0 ? await readUsage(db, session.workspaceId) : new Map<string, number>();
  const kinds = db.catalog.kinds.filter(({ plural }) => caps[plural] !== undefined);
  return {
    plan: name,
    ...Object.fromEntries(kinds.map((kind) => [kind.plural, `${used.get(kind.name) ?? 0} / ${caps[kind.plural]}`])),
  };
}

async function whoami(context: Authenticated): Promise<Answer> {
  const { session } = context;
  const { unclaimedUntil } = session;
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
      scopes: session.scopes?.join(",") ?? null,
      expires_at: session.expiresAt === null ? null : showInstant(session.expiresAt, context.style.showing.zone),
      claim: unclaimedUntil === null ? null : claimAddress(context, session.workspaceId, unclaimedUntil),
      ...(await usageOf(context)),
    },
  };
}
