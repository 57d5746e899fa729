import { atOnce } from "../kit/turns.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Route } from "../service/route.ts";
import { agentCardRoutes } from "./agentCard.ts";
import { batchRoutes } from "./batch.ts";
import { calendarRoutes } from "./calendars.ts";
import { changeRoutes } from "./changes.ts";
import { connectionRoutes } from "./connection.ts";
import { dialectRoutes } from "./dialects.ts";
import { documentRoutes } from "./documents.ts";
import { duplicateRoutes } from "./duplicates.ts";
import { exportRoutes } from "./export.ts";
import { helpRoutes } from "./help.ts";
import { historyRoutes } from "./history.ts";
import { importRoutes } from "./imports/routes.ts";
import { joinedRoutes } from "./joined.ts";
import { kindRoutes } from "./kinds/routes.ts";
import { mcpRoutes } from "./mcp.ts";
import { mergeRoute } from "./merge.ts";
import { metricsRoutes } from "./metrics.ts";
import { authorizeRoutes } from "./oauth/authorize.ts";
import { metadataRoutes } from "./oauth/metadata.ts";
import { registrationRoutes } from "./oauth/register.ts";
import { oauthTokenRoutes } from "./oauth/tokens.ts";
import { openApiRoutes } from "./openapi.ts";
import { overviewRoutes } from "./overview.ts";
import { claimRoutes } from "./people/claim.ts";
import { memberRoutes } from "./people/members.ts";
import { rotateRoutes } from "./people/rotate.ts";
import { signInRoutes } from "./people/signIn.ts";
import { tokenRoutes } from "./people/tokens.ts";
import { workspaceRoutes } from "./people/workspaces.ts";
import { pipelineRoutes } from "./pipeline.ts";
import { proposalRoutes } from "./proposals.ts";
import { recordRoutes } from "./records.ts";
import { reminderRoutes } from "./reminders.ts";
import { savedListRoutes } from "./savedLists.ts";
import { schemaRoutes } from "./schema.ts";
import { scriptRoutes } from "./scripts.ts";
import { sdkRoutes } from "./sdk.ts";
import { searchRoutes } from "./search.ts";
import { sqlRoutes } from "./sql.ts";
import { standingRoutes } from "./standings.ts";
import { timelineRoutes } from "./timeline.ts";
import { toolRoutes } from "./tools.ts";
import { undoRoutes } from "./undo.ts";
import { webhookRoutes } from "./webhooks/routes.ts";

/** The whole API. */
export const createRoutes = (catalog: Catalog): Route[] => atOnce(creatingRoutes(catalog));

/** The same piece by piece: it may pause after each kind. */
export function* creatingRoutes(catalog: Catalog): Generator<void, Route[], void> {
  const routes: Route[] = [
    ...helpRoutes(() => routes),
    ...openApiRoutes(() => routes, catalog),
    ...agentCardRoutes(catalog),
    ...sdkRoutes(() => routes, catalog),
    ...toolRoutes(() => routes, catalog),
    ...metricsRoutes,
    ...mcpRoutes(catalog),
    ...signInRoutes(catalog.kinds),
    ...tokenRoutes,
    ...rotateRoutes,
    ...metadataRoutes,
    ...registrationRoutes,
    ...authorizeRoutes,
    ...oauthTokenRoutes,
    ...workspaceRoutes,
    ...claimRoutes,
    ...memberRoutes,
    ...kindRoutes,
  ];
  for (const kind of catalog.kinds) {
    routes.push(...recordRoutes(kind, catalog));
    yield;
  }
  routes.push(
    ...joinedRoutes(catalog),
    ...standingRoutes(catalog),
    ...scriptRoutes(catalog),
    ...importRoutes(catalog),
    ...searchRoutes(catalog.kinds),
    ...schemaRoutes,
    ...sqlRoutes(catalog),
    ...connectionRoutes,
    ...reminderRoutes,
    ...calendarRoutes,
    ...pipelineRoutes(catalog.kinds),
    ...overviewRoutes,
    ...savedListRoutes(catalog.kinds),
    ...historyRoutes(catalog),
  );
  for (const kind of catalog.kinds) {
    routes.push(...timelineRoutes(kind, catalog));
    yield;
  }
  routes.push(...undoRoutes(catalog), ...proposalRoutes, ...documentRoutes(catalog));
  for (const kind of catalog.kinds) {
    routes.push(mergeRoute(kind));
    yield;
  }
  for (const kind of catalog.kinds) {
    routes.push(...duplicateRoutes(kind));
    yield;
  }
  routes.push(...changeRoutes, ...webhookRoutes, ...batchRoutes, ...exportRoutes, ...dialectRoutes);
  return routes;
}
