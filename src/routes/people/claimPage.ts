import { findUnclaimed } from "../../db/people/unclaimed.ts";
import { newPerson, signIn } from "../../db/people/users.ts";
import type { OperationBody } from "../../derive/operation.ts";
import { emailType, isEmail } from "../../fields/text.ts";
import { text } from "../../fields/vocabulary.ts";
import { json } from "../../formats/json.ts";
import { type Html, html, page } from "../../http/html.ts";
import { type Answer, type Encoded, encodeShort } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { sentence } from "../../kit/words.ts";
import type { Context } from "../../service/route.ts";
import { guardForm } from "../oauth/form.ts";
import { giveTo, noClaim, readClaim } from "./claiming.ts";
import { issueSignInCode, takeFormCode } from "./codes.ts";

/** A page for a browser: two forms, one for the e-mail address and one for the mailed code. */
export const CLAIM_PAGE = {
  standard: "HTML",
  open: true,
  answers: { is: "document", type: "text/html; charset=utf-8" },
  refuse: refuseOnPage,
} as const;

export const CLAIM_FORM: OperationBody = {
  is: "values",
  values: {
    step: text({ about: "send: mail a code; verify: the code is right" }),
    email: text({ about: "who claims it" }),
    code: text({ about: "the mailed code" }),
  },
  example: { step: "send", email: "you@example.com" },
};

/** What the last form was wrong in. */
type Fault = { message: string; status: number } | undefined;

export async function showPage(context: Context): Promise<Answer> {
  return emailPage(context, await unclaimed(context), "");
}

async function unclaimed(context: Context): Promise<{ name: string; endsAt: number }> {
  const { services, reading } = context;
  const found = await findUnclaimed(services.db.pool, readClaim(context), reading.now);
  if (!found) throw noClaim();
  return found;
}

export async function proceed(context: Context): Promise<Answer> {
  guardForm(context);
  const { step, email: typed = "", code = "" } = context.body.values as Record<string, string | undefined>;
  const { name, endsAt } = await unclaimed(context);
  const email = emailType.fromText(typed ?? "") as string;
  if (!isEmail(email)) {
    const message = "This is not an e-mail address. It looks like you@example.com.";
    return emailPage(context, { name, endsAt }, typed ?? "", { message, status: 400 });
  }
  return step === "verify" ? verify(context, name, email, code ?? "") : send(context, { name, endsAt }, email);
}

async function send(context: Context, found: { name: string; endsAt: number }, email: string): Promise<Answer> {
  try {
    const { code, whereabouts } = await issueSignInCode(context, email, "to claim a workspace");
    return codePage(context, found.name, email, sentence(whereabouts), code);
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    const message = [error.message, ...error.hints].map(sentence).join(" ");
    return emailPage(context, found, email, { message, status: error.status });
  }
}

async function verify(context: Context, name: string, email: string, typed: string): Promise<Answer> {
  const { services, reading } = context;
  const digits = typed.replace(/\D/g, "");
  const form = `claim ${readClaim(context)}`;
  if (!(await takeFormCode(context, form, email, digits.length === 6 ? digits : typed))) {
    const message = "This code is wrong, used, too old, or was tried too often.";
    return codePage(context, name, email, `A code was asked for, for ${email}.`, undefined, { message, status: 400 });
  }
  const { userId, joined } = await signIn(services.db.pool, newPerson(email, services.ids), undefined, reading.now);
  if (joined.length > 0) services.forget(userId);
  const id = await giveTo(context, userId, null);
  return step(
    `${name} is yours`,
    undefined,
    html`<p>You are its admin: workspace/${shortId(id)}. The key that your program has goes on reading for 7 days, and then ends.</p>
<p class="soft">To let the program go on writing, tell it to sign in as ${email}: POST /auth/request, and then
POST /workspaces/${shortId(id)}/tokens.</p>`,
  );
}

function emailPage(context: Context, { name, endsAt }: { name: string; endsAt: number }, email: string, fault?: Fault): Answer {
  return step(
    `Keep ${name}`,
    fault,
    html`<p>A program has made this workspace without an account. Sign in, and it is yours with all that is in it.</p>
<p>Until then it ends on ${new Date(endsAt).toISOString().slice(0, 10)}.</p>
${form(
  context,
  html`<label class="label" for="email">Your e-mail address</label>
<input class="field" id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="${email}"${faulty(fault)}>
<button class="act" name="step" value="send">Continue</button>`,
)}`,
  );
}

function codePage(
  context: Context,
  name: string,
  email: string,
  where: string,
  code: string | undefined,
  fault?: Fault,
): Answer {
  return step(
    `Keep ${name}`,
    fault,
    html`<p>${where}</p>
${form(
  context,
  html`<input type="hidden" name="email" value="${email}">
<label class="label" for="code">The 6-digit code</label>
<input class="field code" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="32" value="${code ?? ""}"${faulty(fault)}>
<button class="act" name="step" value="verify">Continue</button>
<button name="step" value="send" formnovalidate>Send a new code</button>`,
)}`,
  );
}

const form = ({ path }: Context, content: Html) => html`<form method="post" action="/claim/${path.claim!}/form">
${content}
</form>`;

const faulty = (fault: Fault) => fault && html` aria-invalid="true" aria-describedby="fault" autofocus`;

function step(title: string, fault: Fault, content: Html) {
  return page(
    fault ? `Error: ${title}` : title,
    html`<h1><bdi>${title}</bdi></h1>
${fault && html`<p class="alert" role="alert" id="fault">${fault.message}</p>`}
${content}`,
    { status: fault?.status ?? 200 },
  );
}

function refuseOnPage(problem: Problem): Encoded {
  const { status, headers, message, hints } = problem;
  const answer = step(
    "This did not work",
    { message: sentence(message), status },
    html`${hints.map((hint) => html`<p>${sentence(hint)}</p>`)}`,
  );
  return encodeShort({ ...answer, status, headers: { ...answer.headers, ...headers } }, { format: json, pretty: false });
}
