import { z } from "zod";
import { findClient } from "../../db/people/oauthClients.ts";
import { storable } from "../../fields/text.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { redirectUriFault } from "../../kit/redirectUri.ts";
import { sameText } from "../../kit/seal.ts";
import { collapsed, isVisible } from "../../kit/text.ts";
import type { Context } from "../../service/route.ts";
import { OAuthRefusal } from "./refusal.ts";

/** An OAuth client. */
export type Client = {
  id: string;
  /** Its name for itself, which nobody has checked. */
  name: string;
  /** The host that serves its document. Undefined for a client that only registered itself. */
  host: string | undefined;
  redirectUris: readonly string[];
};

const hasDocument = (id: string) => id.startsWith("https://");

/** The metadata of a client, from its registration (RFC 7591, section 2) or its document. Other members are ignored. */
export const clientMetadata = z.object({
  client_name: z.string().max(1_000).refine(storable).optional(),
  redirect_uris: z.array(z.string()).min(1).max(10),
  token_endpoint_auth_method: z.string().optional(),
});

/** A name for pages and lists: one line, no longer than a token's name. */
export const shownName = (name: string | undefined, otherwise: string) =>
  isVisible(name ?? "") ? [...collapsed(name ?? "")].slice(0, 60).join("") : otherwise;

export function checkRedirectUris(uris: readonly string[]): void {
  for (const uri of uris) {
    const fault = redirectUriFault(uri);
    if (fault) throw new OAuthRefusal("invalid_redirect_uri", `the redirect URI ${echo(uri)} ${fault}`);
  }
}

/** Finds a client: a registered one, or, for an id that is a URL, the one whose document is there. */
export async function findOAuthClient(context: Context, id: string): Promise<Client | undefined> {
  if (hasDocument(id)) return readClientDocument(context, id);
  const found = await findClient(context.services.db.pool, id);
  return found && { id, name: found.name, host: undefined, redirectUris: found.redirectUris };
}

/** Reads a client's document (draft-ietf-oauth-client-id-metadata-document-02, sections 3 to 5). */
async function readClientDocument({ services, address }: Context, id: string): Promise<Client> {
  const unfit = (why: string) =>
    new Problem("bad_request", `the document that the program shows at ${echo(id, 200)} is of no use: ${why}`);
  const url = URL.canParse(id) ? new URL(id) : undefined;
  if (!url || url.href !== id || url.pathname === "/" || url.hash || url.username || url.password)
    throw unfit("its address is not one that names a program");
  const document = await services.clientDocuments(url, address);
  if (document.text === undefined) throw unfit(document.fault);
  const metadata = parse(document.text);
  const read = clientMetadata.safeParse(metadata);
  if (!read.success || (metadata as { client_id?: unknown }).client_id !== id) throw unfit("it does not describe this program");
  const { client_name, redirect_uris, token_endpoint_auth_method = "none" } = read.data;
  if (token_endpoint_auth_method !== "none") throw unfit("its token_endpoint_auth_method is not none");
  checkRedirectUris(redirect_uris);
  const { host } = url;
  return { id, name: shownName(client_name, host), host, redirectUris: redirect_uris };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Authenticates the client of a form by its secret, if it has one (RFC 6749, section 2.3). Returns its id. */
export async function authenticateClient(context: Context, form: Record<string, string>): Promise<string> {
  const basic = readBasic(context.authorization);
  if (basic && form.client_secret !== undefined)
    throw new OAuthRefusal("invalid_request", "the client's secret was sent twice: in the header and in the body");
  const id = basic?.id ?? form.client_id;
  if (id === undefined) throw invalidClient("there is no client_id");
  if (form.client_id !== undefined && form.client_id !== id)
    throw invalidClient("the header and the body name different clients");
  // A client with a document has no secret; its codes and tokens are bound to its id. Its document is not read again, so it may
  // be offline during a refresh.
  if (hasDocument(id)) return id;
  const { db, seal } = context.services;
  const client = await findClient(db.pool, id);
  if (!client) throw invalidClient("there is no such client; it may have been dropped for lack of use: register again");
  const sent = seal.digest("client", basic?.secret ?? form.client_secret ?? "");
  if (client.secretDigest === null || sameText(sent, client.secretDigest)) return id;
  throw invalidClient("the client's secret is wrong");
}

/** Every 401 needs a challenge. Basic is the only way to send a client secret in a header. */
const invalidClient = (message: string) =>
  new OAuthRefusal("invalid_client", message, { headers: { "WWW-Authenticate": 'Basic realm="cardfile"' } });

/** Reads Basic credentials. Both halves were form-encoded before they were joined (RFC 6749, section 2.3.1). */
function readBasic(authorization: string | undefined): { id: string; secret: string } | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+) *$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const [id = "", ...rest] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  try {
    return { id: formDecoded(id), secret: formDecoded(rest.join(":")) };
  } catch {
    throw invalidClient("the Basic credentials are not form-encoded");
  }
}

const formDecoded = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
