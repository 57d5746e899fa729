import type { Dictionary } from "../records/define.ts";
import { helpRoutes } from "./help.ts";
import { historyRoutes } from "./history.ts";
import { mcpRoutes } from "./mcp.ts";
import { memberRoutes } from "./members.ts";
import { metricsRoutes } from "./metrics.ts";
import { authorizeRoutes } from "./oauthAuthorize.ts";
import { metadataRoutes } from "./oauthMetadata.ts";
import { registrationRoutes } from "./oauthRegister.ts";
import { oauthTokenRoutes } from "./oauthTokens.ts";
import { openApiRoutes } from "./openapi.ts";
import { recordRoutes } from "./records.ts";
import { reminderRoutes } from "./reminders.ts";
import type { Route } from "./route.ts";
import { searchRoutes } from "./search.ts";
import { signInRoutes } from "./signIn.ts";
import { tokenRoutes } from "./tokens.ts";
import { workspaceRoutes } from "./workspaces.ts";

/** The whole API. */
export function createRoutes(dictionary: Dictionary): Route[] {
  const routes: Route[] = [
    ...helpRoutes(() => routes),
    ...openApiRoutes(() => routes, dictionary),
    ...metricsRoutes,
    ...mcpRoutes(dictionary),
    ...signInRoutes([...dictionary.values()]),
    ...tokenRoutes,
    ...metadataRoutes,
    ...registrationRoutes,
    ...authorizeRoutes,
    ...oauthTokenRoutes,
    ...workspaceRoutes,
    ...memberRoutes,
    ...[...dictionary.values()].flatMap((definition) => recordRoutes(definition, dictionary)),
    ...searchRoutes([...dictionary.values()]),
    ...reminderRoutes,
    ...historyRoutes(dictionary),
  ];
  return routes;
}
