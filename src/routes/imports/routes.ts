import { listImports } from "../../db/imports/imports.ts";
import { oneOf } from "../../kit/words.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Route } from "../../service/route.ts";
import { importView } from "../../views/import.ts";
import { listAnswer } from "../lists.ts";
import { runImport } from "./begin.ts";
import { IMPORT_PARAMETERS } from "./options.ts";
import { chosenWhole, showImport, VERDICT_PARAMETERS } from "./shown.ts";

export function importRoutes(catalog: Catalog): Route[] {
  return [
    ...catalog.kinds.map(
      (kind): Route => ({
        method: "POST",
        path: `/${kind.plural}/import`,
        about: `import a file of ${kind.plural}: CSV, NDJSON, vCard, our own lines`,
        parameters: IMPORT_PARAMETERS,
        body: { is: "file", of: kind },
        answers: { is: "report" },
        refuses: REFUSES,
        handle: (context) => runImport(context, kind),
      }),
    ),
    {
      method: "POST",
      path: "/import",
      about: "import a file whose rows name their kinds, or into an empty workspace a whole one, as GET /export wrote it",
      parameters: IMPORT_PARAMETERS,
      needs: "member",
      body: { is: "file" },
      answers: { is: "report" },
      refuses: [...REFUSES, "admin_required", "already_exists"],
      handle: (context) => runImport(context, undefined),
    },
    {
      method: "GET",
      path: "/imports",
      about: "the files that were imported in the last day",
      answers: { is: "list", of: [importView] },
      handle: async (context) =>
        listAnswer(chosenWhole, {
          rows: await listImports(context.db.pool, context.session.workspaceId),
          more: false,
        }),
    },
    {
      method: "GET",
      path: "/imports/{id}",
      about: `what came of each row of ${oneOf("import")}`,
      parameters: VERDICT_PARAMETERS,
      answers: { is: "report" },
      handle: showImport,
    },
  ];
}

const REFUSES = ["invalid_field", "busy"] as const;
