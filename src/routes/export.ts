import { partsOf } from "../db/workspace/parts.ts";
import { workspaceRows } from "../db/workspace/rows.ts";
import { workspaceFile } from "../formats/files/workspaceFile.ts";
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
  const rows = workspaceRows(db, workspaceId);
  const day = new Date(reading.now).toISOString().slice(0, 10);
  return {
    is: "flow",
    type: TYPE,
    headers: { "Content-Disposition": `attachment; filename="cardfile-${shortId(workspaceId)}-${day}.ndjson"` },
    parts: (signal) => workspaceFile(rows(signal), partsOf(db.catalog), reading.now),
  };
}
