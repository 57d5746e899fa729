import { notAvailable } from "../db/guests/wall.ts";
import { required, text, time } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { Problem } from "../kit/problem.ts";
import { showInstant } from "../kit/time.ts";
import type { Authenticated, Route } from "../service/route.ts";

export const connectionRoutes: Route[] = [
  {
    method: "POST",
    path: "/connection",
    about: "a PostgreSQL address that reads the tables of /sql, for programs that speak it",
    needs: "read",
    body: { is: "values", values: {}, example: {} },
    answers: {
      is: "message",
      statuses: [201],
      values: {
        url: required(text({ about: "the address with user and password; shown once" })),
        expires_at: time({ about: "when it ends in any case" }),
      },
    },
    refuses: ["not_available"],
    handle: connect,
  },
  {
    method: "DELETE",
    path: "/connection",
    about: "end the PostgreSQL address of this token",
    needs: "member",
    answers: { is: "message", values: {} },
    handle: disconnect,
  },
];

/** One address a token: it ends with the token, and a new one ends the password of the one before. */
async function connect({ services, db, session, style }: Authenticated): Promise<Answer> {
  const { sqlUrl } = services.config;
  if (sqlUrl === "")
    throw notAvailable(
      "nobody reaches the database of this server but the server itself",
      "POST /sql asks it for you: GET /help/sql; who runs the server sets CRM_SQL_URL where its PostgreSQL listens for others",
    );
  if (session.audience !== null)
    throw new Problem(
      "scope_required",
      `this token is for ${session.audience} alone`,
      "use a token that the user signed in with: GET /help/auth",
    );
  const { workspaceId, tokenId, expiresAt } = session;
  const { user, password, database } = await services.guests.connect(db.catalog, { workspaceId, tokenId, expiresAt });
  const url = new URL(sqlUrl);
  url.username = user;
  url.password = password;
  if (url.pathname === "" || url.pathname === "/") url.pathname = `/${database}`;
  return {
    is: "message",
    status: 201,
    message: "made an address that only reads; keep it, it is shown once",
    values: {
      url: url.href,
      expires_at: expiresAt === null ? null : showInstant(expiresAt, style.showing.zone),
    },
    hints: ["it ends with this token, after seven days without a session, or by DELETE /connection"],
  };
}

async function disconnect({ services, session }: Authenticated): Promise<Answer> {
  await services.guests.disconnect(session.tokenId);
  return { is: "message", message: "the address of this token has ended" };
}
