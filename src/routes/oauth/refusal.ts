import { json } from "../../formats/json.ts";
import { html, page } from "../../http/html.ts";
import { type Encoded, encodeShort, type ShortAnswer } from "../../http/reply.ts";
import { Problem, type ProblemOptions } from "../../kit/problem.ts";
import { sentence } from "../../kit/words.ts";

/** Error codes: RFC 6749, sections 4.1.2.1 and 5.2; RFC 7591, section 3.2.2; RFC 8707, section 2; RFC 6750, section 3.1. */
export type OAuthError =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "invalid_scope"
  | "invalid_target"
  | "invalid_token"
  | "invalid_redirect_uri"
  | "invalid_client_metadata"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "access_denied";

const UNAUTHORIZED: readonly OAuthError[] = ["invalid_client", "invalid_token"];

/** A refusal with an OAuth error code. */
export class OAuthRefusal extends Problem {
  readonly error: OAuthError;

  constructor(error: OAuthError, message: string, options: ProblemOptions = {}) {
    super(UNAUTHORIZED.includes(error) ? "invalid_token" : "bad_request", message, [], options);
    this.error = error;
  }
}

/** Encodes a refusal for programs in OAuth's format (RFC 6749, section 5.2). */
export function refuseToProgram(problem: Problem): Encoded {
  const error =
    problem instanceof OAuthRefusal ? problem.error : problem.status >= 500 ? "temporarily_unavailable" : "invalid_request";
  const json = JSON.stringify({ error, error_description: describe(problem) });
  return encoded(problem, { is: "json", json, headers: { "Cache-Control": "no-store" } });
}

/** The description in the characters that the standard allows: ASCII without quotes and backslashes. */
export const describe = ({ message, hints }: Problem) =>
  [message, ...hints]
    .join("; ")
    .replaceAll('"', "'")
    .replaceAll("\\", "/")
    .replace(/[^ -~]/g, "?");

/** Encodes a refusal as a page. */
export function refuseToPerson(problem: Problem): Encoded {
  const back = html`<p>Go back to the program and connect it again.</p>`;
  return encoded(
    problem,
    page(
      "This did not work",
      html`<h1>This did not work</h1>
<p class="alert" role="alert">${sentence(problem.message)}</p>
${problem.hints.map((hint) => html`<p>${sentence(hint)}</p>`)}
${problem.status < 500 && back}`,
    ),
  );
}

function encoded({ status, headers }: Problem, answer: ShortAnswer): Encoded {
  return encodeShort({ ...answer, status, headers: { ...answer.headers, ...headers } }, { format: json, pretty: false });
}
