import { dropClient, findClient, keepClient, type RegisteredClient } from "../../db/people/oauthClients.ts";
import type { Answer } from "../../http/reply.ts";
import { Problem } from "../../kit/problem.ts";
import { sameText } from "../../kit/seal.ts";
import { newSecret, SECRETS } from "../../kit/secret.ts";
import { type Context, type Route, seenBaseUrl } from "../../service/route.ts";
import { ALLOWED } from "../people/allowances.ts";
import { checkRedirectUris, clientMetadata, shownName } from "./clients.ts";
import { AUTH_METHODS, GRANT_TYPES, REGISTER } from "./metadata.ts";
import { OAuthRefusal, refuseToProgram } from "./refusal.ts";

export const registrationRoutes: Route[] = [
  {
    method: "POST",
    path: REGISTER,
    about: "a program introduces itself",
    open: true,
    standard: "RFC 7591",
    answers: { is: "json", statuses: [201] },
    refuse: refuseToProgram,
    handle: register,
  },
  {
    method: "GET",
    path: `${REGISTER}/{client}`,
    about: "what it said of itself",
    open: true,
    standard: "RFC 7592",
    answers: { is: "json" },
    refuse: refuseToProgram,
    handle: async (context) => registration(context, 200, await owned(context)),
  },
  {
    method: "DELETE",
    path: `${REGISTER}/{client}`,
    about: "takes it back, and ends its connections",
    open: true,
    standard: "RFC 7592",
    answers: { is: "json" },
    refuse: refuseToProgram,
    handle: unregister,
  },
];

async function register(context: Context): Promise<Answer> {
  const { services, body, address, reading } = context;
  const read = clientMetadata.safeParse(body.values);
  if (!read.success) {
    const [member] = read.error.issues[0]!.path;
    const error = member === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata";
    throw new OAuthRefusal(error, `${String(member)}: ${read.error.issues[0]!.message}`);
  }
  const { client_name, redirect_uris, token_endpoint_auth_method: authMethod = "client_secret_basic" } = read.data;
  if (!(AUTH_METHODS as readonly string[]).includes(authMethod))
    throw new OAuthRefusal("invalid_client_metadata", `token_endpoint_auth_method is one of ${AUTH_METHODS.join(", ")}`);
  checkRedirectUris(redirect_uris);
  const { ids, random, seal, mail } = services;
  const secret = authMethod === "none" ? undefined : SECRETS.client + newSecret(random);
  const token = SECRETS.registration + newSecret(random);
  const client: RegisteredClient = {
    id: ids("client"),
    name: shownName(client_name, "a program without a name"),
    redirectUris: redirect_uris,
    authMethod,
    secretDigest: secret === undefined ? null : seal.digest("client", secret),
    registrationDigest: seal.digest("registration", token),
    createdAt: reading.now,
  };
  const allowed = ALLOWED.registrations(address, mail !== undefined);
  if (!(await keepClient(services.db.pool, client, address, allowed)))
    throw new Problem("rate_limited", `more than ${allowed.most} registrations in an hour`, "use a client_id you have", {
      headers: { "Retry-After": "3600" },
    });
  return registration(context, 201, client, {
    registration_access_token: token,
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
  });
}

/** The answer to a registration: the stored metadata, and the properties that all clients share (RFC 7591, section 3.2.1). */
function registration(context: Context, status: number, client: RegisteredClient, secrets: object = {}): Answer {
  const answer = {
    client_id: client.id,
    client_id_issued_at: Math.floor(client.createdAt / 1000),
    client_name: client.name,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: client.authMethod,
    grant_types: GRANT_TYPES,
    response_types: ["code"],
    registration_client_uri: `${seenBaseUrl(context)}${REGISTER}/${client.id}`,
    ...secrets,
  };
  return { is: "json", status, json: JSON.stringify(answer), headers: { "Cache-Control": "no-store" } };
}

/** The client of the path, for the holder of its registration access token. Others cannot learn whether it exists. */
async function owned({ services, path, authorization }: Context): Promise<RegisteredClient> {
  const [, token = ""] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  const client = await findClient(services.db.pool, path.client!);
  if (client && sameText(services.seal.digest("registration", token), client.registrationDigest)) return client;
  throw new OAuthRefusal("invalid_token", "this is not the registration access token of such a client", {
    headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' },
  });
}

async function unregister(context: Context): Promise<Answer> {
  const { services, reading } = context;
  const { id } = await owned(context);
  for (const ended of await dropClient(services.db.pool, id, reading.now)) services.forget(ended);
  return { is: "document", status: 204, type: "application/json", text: "" };
}
