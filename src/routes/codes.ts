import type { Pool } from "../db/client.ts";
import { countMails, shareNewestCode, spendCode, storeCode } from "../db/codes.ts";
import { single } from "../derive/query.ts";
import { Problem } from "../kit/problem.ts";
import type { Authenticated, Context } from "./route.ts";

const CODE_MS = 600_000;
/** Mails an hour: to one subject from one address, to one subject before codes are shared, from one address to anybody. */
const MAILS = { pair: 6, subject: 12, address: 60 };

const FORM_REPEATS = 50;

/** What a code is for, and from where it may be tried at full count. */
type Subject = { subject: string; address: string };

/** What became of a code: shown here in local mode, else mailed, now or when the mail server takes it. */
type Issued = { code: string | undefined; whereabouts: string };

/** Makes a code of six digits and mails it; in local mode gives it back instead, for there is no mail. */
async function issueCode({ services, reading }: Context, about: Subject, to: string, what: string): Promise<Issued> {
  const code = String(Math.floor(services.random() * 1_000_000)).padStart(6, "0");
  const request = { ...about, digest: services.seal.digest("code", `${about.subject} ${code}`), now: reading.now };
  const { mail } = services;
  const { pool } = services.db;
  if (
    mail &&
    (await isFlooded(pool, about, reading.now)) &&
    (await shareNewestCode(pool, about.subject, about.address, reading.now))
  ) {
    return { code: undefined, whereabouts: `${to} was mailed codes in the last minutes: the newest of them works here` };
  }
  if (!(await storeCode(pool, request, reading.now + CODE_MS, mail ? MAILS.pair : 1_000_000))) throw tooManyCodes();
  if (!mail) {
    services.log.info("code", { subject: about.subject, code });
    return { code, whereabouts: `local mode: no mail is sent, this is the code for ${to}` };
  }
  const sent = await mail({
    to,
    subject: `Cardfile code ${code}`,
    text: `Your code ${what} is ${code}\n\nIt is good for 10 minutes, once. If you did not ask for it, ignore this mail.\n\n${services.baseUrl}\n`,
  });
  const waits = `the code for ${to} waits: the mail server does not take mail at the moment, it is tried again every minute`;
  return { code: undefined, whereabouts: sent ? `a code is on its way to ${to}` : waits };
}

/** Whether strangers have this mailbox filled; refuses an address that mails everybody. */
async function isFlooded(pool: Pool, { subject, address }: Subject, now: number): Promise<boolean> {
  const { toSubject, fromAddress } = await countMails(pool, subject, address, now);
  if (address !== "" && fromAddress >= MAILS.address) throw tooManyCodes();
  return toSubject >= MAILS.subject;
}

function tooManyCodes(): Problem {
  return new Problem("rate_limited", "you have asked for many codes already", "use the newest code in the mailbox, or wait", {
    headers: { "Retry-After": "600" },
  });
}

function takeCode({ services, reading }: Context, about: Subject, code: string): Promise<boolean> {
  const digest = services.seal.digest("code", `${about.subject} ${code}`);
  return spendCode(services.db.pool, { ...about, digest, now: reading.now });
}

const signInOf = ({ address }: Context, email: string): Subject => ({ subject: `sign-in ${email}`, address });

export const issueSignInCode = (context: Context, email: string, what = "to sign in") =>
  issueCode(context, signInOf(context, email), email, what);
export const takeSignInCode = (context: Context, email: string, code: string) =>
  takeCode(context, signInOf(context, email), code);

/** The same, for a form: it may come again, as a page is loaded anew or a button pressed twice. `form` is no other's name. */
export async function takeFormCode(context: Context, form: string, email: string, code: string): Promise<boolean> {
  const { services, reading } = context;
  const again = { subject: `form ${form} ${email}`, address: "" };
  if (!(await takeCode(context, again, code)) && !(await takeSignInCode(context, email, code))) return false;
  const digest = services.seal.digest("code", `${again.subject} ${code}`);
  return storeCode(services.db.pool, { ...again, digest, now: reading.now }, reading.now + CODE_MS, FORM_REPEATS);
}

/**
 * Something grave needs a code that was mailed to the actor for exactly this action and target: the first call mails it and answers
 * `escalation_required` with the `warning`, the same call with `?code=` or X-Escalation-Code goes through, once.
 */
export async function stepUp(context: Authenticated, action: string, target: string, warning?: string): Promise<void> {
  const { session } = context;
  const about = { subject: `${action} ${target} ${session.userId}`, address: "" };
  const code = (single(context.parameters, "code") ?? context.escalationCode)?.replace(/\s+/g, "");
  if (code === undefined || code === "") {
    const { code: shown, whereabouts } = await issueCode(context, about, session.email, `to ${action}`);
    throw new Problem(
      "escalation_required",
      `to ${action} takes a code${warning ? ` (${warning})` : ""}; ${whereabouts}`,
      `${shown === undefined ? "ask the user for it, then repeat" : "repeat"} the same request with code=${shown ?? "<code>"} or the header X-Escalation-Code`,
      { values: shown === undefined ? {} : { code: shown } },
    );
  }
  if (/^\d{6}$/.test(code) && (await takeCode(context, about, code))) return;
  throw new Problem(
    "escalation_required",
    "this code is wrong, used, too old, tried too often, or for something else",
    "repeat the request without code to get a new one",
  );
}
