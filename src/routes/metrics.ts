import type { Answer } from "../http/reply.ts";
import { Problem } from "../kit/problem.ts";
import { sameText } from "../kit/seal.ts";
import type { Context, Route } from "../service/route.ts";

/** For whoever runs the machine, not for its users: with a token of its own, and not there without one. */
export const metricsRoutes: Route[] = [
  {
    method: "GET",
    path: "/metrics",
    about: "the service in numbers, for Prometheus; with CRM_METRICS_TOKEN as the bearer",
    open: true,
    answers: { is: "document", type: "text/plain; version=0.0.4; charset=utf-8" },
    refuses: ["not_found", "invalid_token"],
    handle: metrics,
  },
];

async function metrics({ services, authorization }: Context): Promise<Answer> {
  const { metricsToken } = services.config;
  if (!metricsToken)
    throw new Problem("not_found", 'there is no path "/metrics"', "whoever runs this server sets CRM_METRICS_TOKEN to have it");
  if (!sameText(authorization ?? "", `Bearer ${metricsToken}`)) {
    throw new Problem("invalid_token", "this is not the metrics token", "Authorization: Bearer <CRM_METRICS_TOKEN>", {
      headers: { "WWW-Authenticate": 'Bearer realm="cardfile metrics"' },
    });
  }
  return { is: "document", text: await services.metrics.text(), type: "text/plain; version=0.0.4; charset=utf-8" };
}
