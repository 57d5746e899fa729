import { rotateToken } from "../../db/people/sessions.ts";
import { textType } from "../../fields/text.ts";
import type { FieldType } from "../../fields/type.ts";
import type { Answer } from "../../http/reply.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { covers } from "../../kit/scope.ts";
import { showInstant } from "../../kit/time.ts";
import type { Authenticated, Route } from "../../service/route.ts";
import { token } from "../../views/token.ts";
import { MINTED, newToken } from "./tokens.ts";

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Seven days. */
const MOST_OVERLAP = 7 * UNITS.d;

const OVERLAP: FieldType = { ...textType(10, "a time such as 30m, 1h or 2d, seven days at most"), name: "overlap" };
const overlap = { type: OVERLAP, about: "for how long the old one goes on; without it, it ends at once" };

export const rotateRoutes: Route[] = [
  {
    method: "POST",
    path: "/tokens/{id}/rotate",
    about: "replace a token by a new one that may do the same",
    needs: "member",
    body: { is: "values", values: { overlap }, example: { overlap: "1h" } },
    answers: MINTED,
    handle: rotate,
  },
];

async function rotate(context: Authenticated): Promise<Answer> {
  const { services, session, reading, style, path } = context;
  const ms = readOverlap(context.body.values.overlap as string | null | undefined);
  const reference = readId(path.id!, token);
  const { secret, id, digest } = newToken(services, "");
  const old =
    reference?.prefix === "tok"
      ? await rotateToken(services.db.pool, session, reference.key, { id, digest }, reading.now, ms)
      : undefined;
  if (!old) throw beyond(context);
  services.forget(old.id);
  for (const each of old.minted) services.forget(each);
  const { zone } = style.showing;
  const until = ms === 0 ? "has ended" : `ends at ${showInstant(reading.now + ms, zone)}`;
  return {
    is: "message",
    status: 201,
    message: `token/${shortId(old.id)} ${until}; keep the new token, it is shown once`,
    values: {
      token: secret,
      id: `token/${shortId(id)}`,
      workspace: `workspace/${shortId(old.workspaceId)}`,
      scopes: old.scopes?.join(",") ?? null,
      expires_at: old.expiresAt === null ? null : showInstant(old.expiresAt, zone),
    },
    hints: [`DELETE /tokens/${shortId(id)} ends it`],
  };
}

function beyond({ session, path }: Authenticated): Problem {
  const rule = "a token replaces itself and those it minted";
  if (session.scopes !== null && !covers(session.scopes, "admin"))
    return new Problem("scope_required", rule, "use the token itself, or the one that minted it");
  return new Problem("not_found", `this token has minted no token ${echo(path.id!)}`, [
    `${rule}; DELETE /tokens/{id} ends another, POST /tokens mints one in its place`,
  ]);
}

/** Milliseconds. */
function readOverlap(text: string | null | undefined): number {
  if (!text) return 0;
  const [, amount, unit] = /^\+?(\d{1,5})([mhd])$/.exec(text.trim().toLowerCase()) ?? [];
  const ms = Number(amount) * UNITS[unit as keyof typeof UNITS];
  if (ms <= MOST_OVERLAP) return ms;
  throw new Problem("invalid_value", `overlap cannot be ${echo(text)}`, `overlap is ${OVERLAP.expects}`);
}
