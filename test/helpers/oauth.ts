import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { Reply, Service } from "./service.ts";

/** A program that connects, and a person with a browser who lets it in. */

export const CALLBACK = "http://127.0.0.1:9/cb";

export type Registration = { client_id: string; client_secret?: string; registration_access_token: string };

export async function register(service: Service, metadata: Record<string, unknown> = {}): Promise<Registration> {
  const told = { client_name: "Robot", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none", ...metadata };
  const reply = await service.send("POST", "/oauth/register", told);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

export const newVerifier = () => randomBytes(32).toString("base64url");
export const challengeOf = (verifier: string) => createHash("sha256").update(verifier).digest("base64url");

/** The path of an authorization request; a parameter that is undefined is left out. */
export function askPath(client: string, verifier: string, changed: Record<string, string | undefined> = {}): string {
  const asked = {
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    state: "of the client",
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
    ...changed,
  };
  const said = Object.entries(asked).filter((each): each is [string, string] => each[1] !== undefined);
  return `/oauth/authorize?${new URLSearchParams(said)}`;
}

/** The fields a browser would send as the page stands: hidden ones, typed ones, and the radios that are chosen. */
export function fieldsOf(page: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [tag] of page.matchAll(/<input[^>]*>/g)) {
    const [, name] = /name="([^"]*)"/.exec(tag)!;
    if (/type="radio"/.test(tag) && !/ checked/.test(tag)) continue;
    fields[name!] = textOf(/value="([^"]*)"/.exec(tag)?.[1] ?? "");
  }
  return fields;
}

export const textOf = (markup: string) => markup.replace(/&#(\d+);/g, (_, unit) => String.fromCharCode(Number(unit)));

export type Form = (fields: Record<string, string>, headers?: Record<string, string>) => Promise<Reply>;

/** Sends a form as a browser does, from the page itself. */
export function formOf(service: Service): Form {
  return async (fields, headers = {}) => {
    const response = await fetch(`${service.baseUrl}/oauth/authorize`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: service.baseUrl, "sec-fetch-site": "same-origin", ...headers },
      body: new URLSearchParams(fields),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text), lines: [] };
  };
}

/** From the program's question to the page with Allow and Deny. */
export async function consentPage(service: Service, path: string, email = "ann@example.com"): Promise<string> {
  const form = formOf(service);
  const first = await service.send("GET", path);
  assert.equal(first.status, 200, first.text);
  const second = await form({ ...fieldsOf(first.text), email, step: "send" });
  assert.equal(second.status, 200, second.text);
  const mailed = service.mails.findLast(({ to }) => to === email)?.text.match(/\d{6}/)?.[0];
  const third = await form({ ...fieldsOf(second.text), ...(mailed ? { code: mailed } : {}), step: "verify" });
  assert.equal(third.status, 200, third.text);
  return third.text;
}

/** Where the browser ends up. */
export async function allow(service: Service, path: string, chosen: Record<string, string> = {}): Promise<URL> {
  const page = await consentPage(service, path);
  const reply = await formOf(service)({ ...fieldsOf(page), ...chosen, step: "allow" });
  assert.equal(reply.status, 303, reply.text);
  return new URL(reply.headers.get("location")!);
}

export type Tokens = { access_token: string; refresh_token: string; scope: string; expires_in: number };

export function postForm(
  service: Service,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return service.send("POST", path, new URLSearchParams(fields).toString(), { ...type, ...headers });
}

export const tokenRequest = (service: Service, fields: Record<string, string>, headers?: Record<string, string>) =>
  postForm(service, "/oauth/token", fields, headers);

/** A client that was let in, and its tokens. */
export async function connected(
  service: Service,
  chosen: Record<string, string> = {},
  changed: Record<string, string | undefined> = {},
): Promise<{ client: string; code: string; verifier: string; tokens: Tokens }> {
  const { client_id: client } = await register(service);
  const verifier = newVerifier();
  const code = (await allow(service, askPath(client, verifier, changed), chosen)).searchParams.get("code")!;
  const reply = await tokenRequest(service, {
    grant_type: "authorization_code",
    client_id: client,
    redirect_uri: CALLBACK,
    code,
    code_verifier: verifier,
  });
  assert.equal(reply.status, 200, reply.text);
  return { client, code, verifier, tokens: reply.json() };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Whether an access token stands: what it is refused for at another address tells. */
export async function stands(service: Service, token: string): Promise<boolean> {
  const { status, text } = await service.send("GET", "/contacts", undefined, bearer(token));
  assert.equal(status, 401, text);
  return text.includes("works nowhere else");
}

export const refreshed = (service: Service, client: string, token: string, more: Record<string, string> = {}) =>
  tokenRequest(service, { grant_type: "refresh_token", client_id: client, refresh_token: token, ...more });
