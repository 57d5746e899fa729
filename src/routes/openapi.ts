import { readFileSync } from "node:fs";
import { FORMATS } from "../formats/all.ts";
import { openApi } from "../openapi/document.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Route } from "../service/route.ts";

export const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** `routes` gives the whole table, of which this is a part. The document is made once for the kinds of a workspace. */
export function openApiRoutes(routes: () => readonly Route[], catalog: Catalog): Route[] {
  let json: string | undefined;
  return [
    {
      method: "GET",
      path: "/openapi.json",
      about: "the API as an OpenAPI 3.1 document",
      open: true,
      tailored: true,
      answers: { is: "json" },
      handle({ services: { baseUrl } }) {
        json ??= JSON.stringify(openApi({ routes: routes(), catalog, baseUrl, version, formats: FORMATS }));
        return { is: "json", json };
      },
    },
  ];
}
