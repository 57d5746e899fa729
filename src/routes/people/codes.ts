import { findLiving, spendCode, spendLongCode, storeCode } from "../../db/people/codes.ts";
import { giveBack, isRemembered, remember, take } from "../../db/people/tallies.ts";
import { single } from "../../derive/query.ts";
import { isNobodys } from "../../kit/nobody.ts";
import { Problem } from "../../kit/problem.ts";
import { newLongCode } from "../../kit/secret.ts";
import type { Authenticated, Context, Services } from "../../service/route.ts";
import { ALLOWED, CODE_MS, KNOWN_MS } from "./allowances.ts";

/** The subject of a code, and the network address with its own count of guesses. */
type Subject = { subject: string; address: string };

/** The outcome of issuing a code. Local mode returns the code; otherwise it is mailed, now or by a retry. */
type Issued = { code: string | undefined; whereabouts: string };

const signInOf = ({ address }: Context, email: string): Subject => ({ subject: `sign-in ${email}`, address });

/** Issues a sign-in code. A mailbox that got too many gets no more; the newest code still works from every address. */
export async function issueSignInCode(context: Context, email: string, what = "to sign in"): Promise<Issued> {
  const { services, address, reading } = context;
  const { now } = reading;
  const { pool } = services.db;
  if (isNobodys(email)) throw new Problem("invalid_email", "no mail reaches this address", "it is a key's: use your own");
  const { code, long, stored } = newCode(context, signInOf(context, email));
  if (!services.mail) {
    await storeCode(pool, stored, ALLOWED.codesTo(email, true), now);
    return shown(services, stored.subject, email, code);
  }
  for (const allowance of [ALLOWED.codesFrom(address), ALLOWED.codesBetween(email, address)])
    if (!(await take(pool, allowance, now))) throw tooManyCodes();
  const known = await isRemembered(pool, knownAddress(context, email), now);
  if (await storeCode(pool, stored, ALLOWED.codesTo(email, known), now)) return mailed(services, email, what, code, long);
  const living = await findLiving(pool, stored.subject, now);
  if (living === "guesses") return newestWorks(email, "the newest of them works here");
  if (await storeCode(pool, stored, ALLOWED.furtherCode(email), now)) return mailed(services, email, what, code, long);
  if (living === undefined) throw tooManyCodes();
  return newestWorks(email, "the long code in the newest of them works here");
}

const newestWorks = (email: string, how: string): Issued => ({
  code: undefined,
  whereabouts: `${email} was mailed codes in the last minutes: ${how}`,
});

/** Makes a code of six digits, and a long form when it will be mailed. */
function newCode({ services, reading }: Context, { subject, address }: Subject) {
  const code = String(Math.floor(services.random() * 1_000_000)).padStart(6, "0");
  const long = services.mail ? newLongCode(services.random) : undefined;
  const longDigest = long === undefined ? null : digestOf(services, subject, withoutSpaces(long));
  const digest = digestOf(services, subject, code);
  return { code, long, stored: { subject, address, digest, longDigest, expiresAt: reading.now + CODE_MS } };
}

const digestOf = ({ seal }: Services, subject: string, code: string) => seal.digest("code", `${subject} ${code}`);

/** Removes spaces and hyphens, which mail programs and people add. */
export const withoutSpaces = (code: string) => code.replace(/[\s-]+/g, "").toLowerCase();

/** Local mode sends no mail; it returns and logs the code. */
function shown({ log }: Services, subject: string, to: string, code: string): Issued {
  log.info("code", { subject, code });
  return { code, whereabouts: `local mode: no mail is sent, this is the code for ${to}` };
}

async function mailed(services: Services, to: string, what: string, code: string, long = ""): Promise<Issued> {
  const sent = await services.mail?.({
    to,
    subject: `Cardfile code ${code}`,
    text: `Your code ${what} is ${code}\n\nIt is good for 10 minutes, once. If it is refused because others have guessed at it, use this one in its place:\n${long}\n\nIf you did not ask for a code, ignore this mail.\n\n${services.baseUrl}\n`,
  });
  const waits = `the code for ${to} waits: the mail server does not take mail at the moment, it is tried again every minute`;
  return { code: undefined, whereabouts: sent ? `a code is on its way to ${to}` : waits };
}

function tooManyCodes(): Problem {
  return new Problem("rate_limited", "you have asked for many codes already", "use the newest code in the mailbox, or wait", {
    headers: { "Retry-After": "600" },
  });
}

/** Spends a sign-in code. A right one makes the address known for this mailbox. */
export async function takeSignInCode(context: Context, email: string, code: string): Promise<boolean> {
  const { services, reading } = context;
  if (!(await takeCode(context, signInOf(context, email), code))) return false;
  if (services.mail) await remember(services.db.pool, knownAddress(context, email), reading.now + KNOWN_MS);
  return true;
}

/** The key of a known address. It is a digest, so the database does not reveal where people sign in. */
const knownAddress = ({ services, address }: Context, email: string) =>
  `known ${services.seal.digest("known place", JSON.stringify([email, address]))}`;

async function takeCode({ services, reading }: Context, { subject, address }: Subject, typed: string): Promise<boolean> {
  const code = withoutSpaces(typed);
  const guess = { subject, digest: digestOf(services, subject, code), now: reading.now };
  return isShort(code) ? spendCode(services.db.pool, { ...guess, address }) : spendLongCode(services.db.pool, guess);
}

const isShort = (code: string) => /^\d{6}$/.test(code);

/**
 * Spends a sign-in code for a form, which may send it again after a reload or a double click. `form` must be unique to the form.
 */
export async function takeFormCode(context: Context, form: string, email: string, typed: string): Promise<boolean> {
  const { services, reading } = context;
  const again = { subject: `form ${form} ${email}`, address: "" };
  if (!(await takeCode(context, again, typed)) && !(await takeSignInCode(context, email, typed))) return false;
  const digest = digestOf(services, again.subject, withoutSpaces(typed));
  const stored = { ...again, digest, longDigest: digest, expiresAt: reading.now + CODE_MS };
  return storeCode(services.db.pool, stored, ALLOWED.formRepeats(form), reading.now);
}

/**
 * Requires a mailed code for a dangerous action. The code is bound to the person, action and target. The first call mails it and
 * answers `escalation_required` with the `warning`. The same call with `?code=` or X-Escalation-Code succeeds once.
 *
 * Codes and guesses are limited per person and workspace, not per action, because an action's name may contain the caller's own
 * text.
 */
export async function stepUp(context: Authenticated, action: string, target: string, warning?: string): Promise<void> {
  const { services, session, reading } = context;
  const { pool } = services.db;
  const subject = `step-up ${services.seal.digest("step-up", JSON.stringify([action, target, session.userId]))}`;
  const about = { subject, address: "" };
  const code = withoutSpaces(single(context.parameters, "code") ?? context.escalationCode ?? "");
  const guesses = ALLOWED.stepUpGuesses(session);
  if (code === "") throw escalation(action, warning, await issueStepUp(context, about, action));
  const counted = !isShort(code) || (await take(pool, guesses, reading.now));
  if (counted && (await takeCode(context, about, code))) return giveBack(pool, guesses.key);
  throw new Problem(
    "escalation_required",
    "this code is wrong, used, too old, tried too often, or for something else",
    "repeat the request without code to get a new one",
  );
}

async function issueStepUp(context: Authenticated, about: Subject, action: string): Promise<Issued> {
  const { services, session, reading } = context;
  const { pool } = services.db;
  if (services.mail && isNobodys(session.email))
    throw new Problem("escalation_required", `to ${action} takes a code, and no mail reaches the owner of this key`, [
      "a person claims the workspace first: GET /whoami shows the address",
    ]);
  const { code, long, stored } = newCode(context, about);
  const allowed = ALLOWED.stepUps(session, services.mail !== undefined);
  if (!(await storeCode(pool, stored, allowed, reading.now))) throw tooManyCodes();
  await giveBack(pool, ALLOWED.stepUpGuesses(session).key);
  if (!services.mail) return shown(services, action, session.email, code);
  return mailed(services, session.email, `to ${action}`, code, long);
}

function escalation(action: string, warning: string | undefined, { code, whereabouts }: Issued): Problem {
  return new Problem(
    "escalation_required",
    `to ${action} takes a code${warning ? ` (${warning})` : ""}; ${whereabouts}`,
    `${code === undefined ? "ask the user for it, then repeat" : "repeat"} the same request with code=${code ?? "<code>"} or the header X-Escalation-Code`,
    { values: code === undefined ? {} : { code } },
  );
}
