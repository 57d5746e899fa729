import { type Html, html, page } from "../../http/html.ts";
import type { Answer } from "../../http/reply.ts";
import { echo } from "../../kit/line.ts";
import { isLoopback, shownRedirect } from "../../kit/redirectUri.ts";
import { answerLocation } from "./ask.ts";
import type { Flow } from "./consent.ts";
import { AUTHORIZE } from "./metadata.ts";

/** A flow and its sealed form, the form field that carries it to the next step. */
export type Carried = { flow: Flow; sealed: string };

/** The error of the last step. */
export type Fault = { message: string; status: number } | undefined;

export function emailPage(carried: Carried, email: string, fault?: Fault): Answer {
  return step(
    carried,
    fault,
    html`${introduction(carried.flow)}
${form(
  carried,
  html`<label class="label" for="email">Your e-mail address</label>
<input class="field" id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="${email}"${faulty(fault)}>
<button class="act" name="step" value="send">Continue</button>`,
)}
${cancel(carried.flow)}`,
  );
}

/** The page that asks for the code. `code` is set in local mode, where the page shows it. */
export function codePage(carried: Carried, whereabouts: string, code: string | undefined, fault?: Fault): Answer {
  return step(
    carried,
    fault,
    html`<p>${whereabouts}</p>
${form(
  carried,
  html`<label class="label" for="code">The 6-digit code</label>
<input class="field code" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="32" value="${code ?? ""}"${faulty(fault)}>
<button class="act" name="step" value="verify">Continue</button>
<button name="step" value="send" formnovalidate>Send a new code</button>
<button name="step" value="back" formnovalidate>Use another address</button>`,
)}
${cancel(carried.flow)}`,
  );
}

export type Choice = { value: string; label: string; about: string; chosen: boolean };

export function consentPage(
  carried: Carried,
  workspaces: readonly Choice[],
  reaches: readonly Choice[],
  fault?: Fault,
): Answer {
  return step(
    carried,
    fault,
    html`${introduction(carried.flow)}
<p class="soft">You are signed in as ${carried.flow.email ?? ""}.</p>
${form(
  carried,
  html`${choices("workspace", "In which workspace?", workspaces)}
${choices("reach", "What may it do there?", reaches)}
<button class="act" name="step" value="allow">Allow</button>
<button name="step" value="deny" formnovalidate>Deny</button>`,
)}
<p class="soft">You can end this later: tell the program to end its own token, or end it yourself with DELETE /tokens/{id}. GET /tokens lists the programs you let in.</p>`,
    true,
  );
}

function step({ flow }: Carried, fault: Fault, content: Html, formsLeave = false): Answer {
  const title = `Connect ${echo(flow.client.name)}`;
  return page(
    fault ? `Error: ${title}` : title,
    html`<h1>Connect <bdi>${echo(flow.client.name)}</bdi> to your CRM</h1>
${fault && html`<p class="alert" role="alert" id="fault">${fault.message}</p>`}
${content}`,
    { status: fault?.status ?? 200, formsLeave },
  );
}

/** Introduces the program. Its name is unchecked, so the page also shows where the answer goes. */
function introduction({ client, redirectUri }: Flow): Html {
  const vouched = client.host !== undefined && html` The site <b>${client.host}</b> vouches for it.`;
  const unchecked = client.host === undefined && html` It chose that name itself: nobody has checked it.`;
  if (isLoopback(redirectUri)) {
    return html`<p>A program that calls itself <bdi>${echo(client.name)}</bdi> asks to use your CRM for you.${vouched}${unchecked}</p>
<p class="warning"><b>It says that it runs on this computer</b> (${shownRedirect(redirectUri)}). Go on only if you have just started it yourself.</p>`;
  }
  return html`<p>A program that calls itself <bdi>${echo(client.name)}</bdi> asks to use your CRM for you.${vouched}${unchecked}</p>
<p>The answer goes to <b>${shownRedirect(redirectUri)}</b>. Go on only if that is where you come from.</p>`;
}

const form = ({ sealed }: Carried, content: Html) => html`<form method="post" action="${AUTHORIZE}">
<input type="hidden" name="flow" value="${sealed}">
${content}
</form>`;

const faulty = (fault: Fault) => fault && html` aria-invalid="true" aria-describedby="fault" autofocus`;

/** A link, because form-action would block a form that leaves this site. */
const cancel = (flow: Flow) =>
  html`<p><a href="${answerLocation(flow, { error: "access_denied" })}">Cancel, and go back to the program</a></p>`;

const choices = (name: string, question: string, all: readonly Choice[]) => html`<fieldset>
<legend>${question}</legend>
${all.map(
  ({
    value,
    label,
    about,
    chosen,
  }) => html`<label class="choice"><input type="radio" name="${name}" value="${value}"${chosen && html` checked`} required>
<span>${label}<small>${about}</small></span></label>
`,
)}</fieldset>`;
