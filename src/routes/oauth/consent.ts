import { keepCode } from "../../db/people/grants.ts";
import { newPerson, signIn } from "../../db/people/users.ts";
import { listWorkspaces } from "../../db/people/workspaces.ts";
import { emailType, isEmail } from "../../fields/text.ts";
import { mcpResource } from "../../http/challenge.ts";
import { redirect } from "../../http/html.ts";
import type { Answer } from "../../http/reply.ts";
import { Problem } from "../../kit/problem.ts";
import { WHOLE } from "../../kit/scope.ts";
import { SECRETS } from "../../kit/secret.ts";
import { sentence } from "../../kit/words.ts";
import type { Context } from "../../service/route.ts";
import { issueSignInCode, takeFormCode } from "../people/codes.ts";
import { type Ask, answerLocation } from "./ask.ts";
import { guardForm, readForm } from "./form.ts";
import { type Carried, type Choice, codePage, consentPage, emailPage, type Fault } from "./pages.ts";

/**
 * The flow of an authorization has three steps: e-mail address, code, consent. Its state travels in an encrypted form field. So
 * abandoned flows leave nothing in the database, and there is no cookie that another page could use.
 */
export type Flow = Ask & {
  id: string;
  /** The address that the code was sent to. Set from the code step on. */
  email?: string;
  /** The person who entered the right code. Set from the consent step on. */
  userId?: string;
  /** Their default workspace. */
  workspaceId?: string;
  /** Epoch ms. */
  until: number;
};

/** The time for each step. A failed attempt does not extend it. */
const STEP_MS = 900_000;

/** The client must exchange its code in this time (RFC 6749, section 4.1.2, allows ten minutes). */
const CODE_MS = 60_000;

export function begin(context: Context, ask: Ask): Answer {
  const { services, reading } = context;
  return emailPage(carry(context, { ...ask, id: services.ids("flow"), until: reading.now + STEP_MS }), "");
}

function carry({ services }: Context, flow: Flow): Carried {
  return { flow, sealed: services.seal.encrypt("consent", JSON.stringify(flow)).toString("base64url") };
}

/** Handles the form of a step and shows the next page. */
export async function proceed(context: Context): Promise<Answer> {
  guardForm(context);
  const { step, flow: sealed = "", ...sent } = readForm(context);
  const flow = unseal(context, sealed);
  if (flow.userId !== undefined) return decide(context, flow, step, sent);
  if (step === "back") return emailPage(carry(context, flow), flow.email ?? "");
  if (step === "verify" && flow.email !== undefined) return verify(context, flow, flow.email, sent.code ?? "");
  return send(context, flow, sent.email ?? flow.email ?? "");
}

function unseal({ services, reading }: Context, sealed: string): Flow {
  try {
    const flow = JSON.parse(services.seal.decrypt("consent", Buffer.from(sealed, "base64url"))) as Flow;
    if (flow.until > reading.now) return flow;
  } catch {
    // Refused below, like an expired flow.
  }
  throw new Problem("bad_request", "this page is too old, or was not made by this server");
}

async function send(context: Context, flow: Flow, typed: string): Promise<Answer> {
  const email = emailType.fromText(typed) as string;
  if (!isEmail(email)) {
    const fault = { message: "This is not an e-mail address. It looks like you@example.com.", status: 400 };
    return emailPage(carry(context, flow), typed, fault);
  }
  try {
    const { code, whereabouts } = await issueSignInCode(context, email, "to let a program into your CRM");
    return codePage(carry(context, { ...flow, email, until: context.reading.now + STEP_MS }), sentence(whereabouts), code);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 429) throw error;
    return emailPage(carry(context, flow), email, {
      message: [error.message, ...error.hints].map(sentence).join(" "),
      status: 429,
    });
  }
}

async function verify(context: Context, flow: Flow, email: string, typed: string): Promise<Answer> {
  const { services, reading } = context;
  const digits = typed.replace(/\D/g, "");
  if (!(await takeFormCode(context, flow.id, email, digits.length === 6 ? digits : typed))) {
    const message = "This code is wrong, used, too old, or was tried too often.";
    return codePage(carry(context, flow), `A code was asked for, for ${email}.`, undefined, { message, status: 400 });
  }
  const { userId, workspaceId, joined } = await signIn(
    services.db.pool,
    newPerson(email, services.ids),
    undefined,
    reading.now,
  );
  if (joined.length > 0) services.forget(userId);
  return askConsent(context, { ...flow, userId, workspaceId, until: reading.now + STEP_MS });
}

async function askConsent(context: Context, flow: Flow, fault?: Fault): Promise<Answer> {
  const { userId = "", workspaceId = "" } = flow;
  const rows = await listWorkspaces(context.services.db.pool, userId, workspaceId);
  const workspaces = rows.map(([id, , name, , role, usual]): Choice => {
    const about =
      role === "viewer" ? "you are a viewer there: it will only read, whatever you choose below" : `you are ${role} there`;
    return { value: id as string, label: name as string, about, chosen: usual as boolean };
  });
  return consentPage(carry(context, flow), workspaces, reachesFor(flow.scopes), fault);
}

const REACHES = {
  read: { scopes: ["read"], label: "Only read", about: "see your records and their history" },
  add: { scopes: ["read", "create"], label: "Read and add", about: "also add records; change and delete none" },
  write: { scopes: ["read", "write"], label: "Read and write", about: "also add and change records; delete nothing" },
  everything: { scopes: WHOLE, label: "Everything", about: "also delete records, and manage the workspace and its members" },
} as const;

/** The choices of scopes. The requested scopes are preselected; the person may grant fewer or more. */
function reachesFor(asked: readonly string[]): Choice[] {
  const same = (scopes: readonly string[]) => scopes.length === asked.length && scopes.every((scope) => asked.includes(scope));
  const usual = Object.entries(REACHES).map(([value, { scopes, label, about }]) => ({
    value,
    label,
    about,
    chosen: same(scopes),
  }));
  if (usual.some(({ chosen }) => chosen)) return usual;
  return [{ value: "asked", label: "What it asks for", about: asked.join(", "), chosen: true }, ...usual];
}

async function decide(context: Context, flow: Flow, step: string | undefined, sent: Record<string, string>): Promise<Answer> {
  if (step === "deny") return redirect(answerLocation(flow, { error: "access_denied" }));
  const scopes = sent.reach === "asked" ? flow.scopes : REACHES[sent.reach as keyof typeof REACHES]?.scopes;
  if (step !== "allow" || !scopes || !sent.workspace) {
    return askConsent(context, flow, { message: "Choose a workspace, and what the program may do there.", status: 400 });
  }
  const { services, reading } = context;
  // One flow has one code. A form sent twice repeats it instead of making a second one.
  const code = SECRETS.authorizationCode + services.seal.digest("authorization code of", `${flow.id} ${flow.userId}`);
  const agreed = {
    client: flow.client.id,
    registered: flow.client.host === undefined,
    name: flow.client.name,
    redirectUri: flow.redirectUri,
    challenge: flow.challenge,
    audience: mcpResource(services.baseUrl),
    scopes,
    userId: flow.userId!,
    workspaceId: sent.workspace,
  };
  const digest = services.seal.digest("authorization code", code);
  if (await keepCode(services.db.pool, digest, agreed, reading.now, reading.now + CODE_MS))
    return redirect(answerLocation(flow, { code }));
  throw new Problem(
    "bad_request",
    "this question was answered already, you do not belong to that workspace, or the program is not registered any more",
  );
}
