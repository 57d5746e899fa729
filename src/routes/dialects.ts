import type { Session } from "../db/people/sessions.ts";
import { agentCrm } from "../dialects/agentcrm/dialect.ts";
import type { Dialect, Phrase } from "../dialects/dialect.ts";
import { speak } from "../dialects/engine.ts";
import { inCrm } from "../dialects/incrm/dialect.ts";
import { ultra } from "../dialects/ultra/dialect.ts";
import { json } from "../formats/json.ts";
import type { Answer } from "../http/reply.ts";
import { type Ask, type Authenticated, type Context, type Refuse, type Route, seenBaseUrl } from "../service/route.ts";

const DIALECTS: readonly Dialect[] = [agentCrm, inCrm, ultra];

/** The same records in other systems' words. Each of these routes asks our own ones, with the rights of the caller. */
export const dialectRoutes: Route[] = DIALECTS.flatMap((dialect) => dialect.phrases.map((phrase) => routeOf(dialect, phrase)));

function routeOf(dialect: Dialect, phrase: Phrase): Route {
  const { base, epochReset, needs = "member" } = dialect;
  const { method, path, about, open } = phrase;
  const route = {
    method,
    path: base + path,
    about,
    standard: dialect.name,
    needs,
    raw: true,
    answers: { is: "json" },
    below: base,
    ...(epochReset ? { epochReset } : {}),
    refuse: refusalOf(dialect),
  } as const;
  const handle = (context: Answering, ask: Ask) => answer(dialect, phrase, context, ask);
  if (open === true) return { ...route, open, handle: (context, ask) => handle({ ...context, session: undefined }, ask) };
  return open ? { ...route, open, handle } : { ...route, handle };
}

type Answering = Context & { session: Session | undefined };

async function answer(dialect: Dialect, phrase: Phrase, context: Answering, ask: Ask): Promise<Answer> {
  const { db, path, parameters, body, headers, requestId, session } = context;
  const said = await speak(dialect, phrase, {
    catalog: db.catalog,
    baseUrl: seenBaseUrl(context),
    session,
    requestId,
    path,
    parameters,
    headers,
    text: body.text,
    // An open route that makes an inner request asks an open one, which wants no session.
    ask: (request) => ask(context as Authenticated, request),
  });
  return { is: "document", ...said };
}

function refusalOf({ refusal }: Dialect): Refuse {
  return (problem, _format, requestId, baseUrl) => {
    const { status, body } = refusal(problem, requestId, baseUrl);
    return {
      status,
      headers: { "Content-Type": json.contentType, ...problem.headers },
      body: `${JSON.stringify(body)}\n`,
    };
  };
}
