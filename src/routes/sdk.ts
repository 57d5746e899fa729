import { readFileSync } from "node:fs";
import { FORMATS } from "../formats/all.ts";
import { inTurns } from "../kit/turns.ts";
import { writingSdk } from "../openapi/sdk/sdk.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Route } from "../service/route.ts";
import { ONLY, tellingOnce, version } from "./openapi.ts";

const RUNTIME = new URL("../openapi/sdk/runtime.ts", import.meta.url);

const TYPE = "application/typescript; charset=utf-8";

/** `routes` gives the whole table, of which this is a part. The file is made once for the kinds of a workspace. */
export function sdkRoutes(routes: () => readonly Route[], catalog: Catalog): Route[] {
  const told = tellingOnce(routes, catalog);
  return [
    {
      method: "GET",
      path: "/sdk.ts",
      about: "a client in one file of TypeScript, for the kinds of the token's workspace",
      open: true,
      tailored: true,
      parameters: ONLY,
      answers: { is: "document", type: TYPE },
      async handle(context) {
        const { baseUrl } = context.services;
        const file = await told(context, async ({ left, ...source }) => {
          const writing = writingSdk({ ...source, baseUrl, version, formats: FORMATS }, readFileSync(RUNTIME, "utf8"), left);
          return Buffer.from(await inTurns(writing));
        });
        return { is: "document", type: TYPE, text: file };
      },
    },
  ];
}
