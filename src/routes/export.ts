import { workspaceText } from "../db/workspace/rows.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import type { Authenticated, Route } from "../service/route.ts";

const TYPE = "application/x-ndjson; charset=utf-8";

export const exportRoutes: Route[] = [
  {
    method: "GET",
    path: "/export",
    about: "the whole workspace with its history, as one NDJSON stream; /help/export",
    needs: "read",
    answers: { is: "document", type: TYPE },
    handle: exportWorkspace,
  },
];

function exportWorkspace({ db, session, reading }: Authenticated): Answer {
  const { workspaceId } = session;
  const day = new Date(reading.now).toISOString().slice(0, 10);
  return {
    is: "flow",
    type: TYPE,
    headers: { "Content-Disposition": `attachment; filename="cardfile-${shortId(workspaceId)}-${day}.ndjson"` },
    parts: (signal) => workspaceText(db.pool, workspaceId, { now: reading.now, signal }),
  };
}
