import { createHmac } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as an endpoint of a webhook got it. */
export type Received = {
  path: string;
  id: string;
  headers: IncomingMessage["headers"];
  text: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds
  data: any;
};

export type Endpoint = {
  url: string;
  received: Received[];
  /** How it answers; 204 unless said. */
  answer: (request: Received, response: ServerResponse) => void;
  close: () => Promise<void>;
};

/** An endpoint of webhooks in the process of the test. */
export async function startEndpoint(): Promise<Endpoint> {
  const ok: Endpoint["answer"] = (_, response) => response.writeHead(204).end();
  const endpoint: Endpoint = { url: "", received: [], answer: ok, close: async () => {} };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { type, data } = JSON.parse(text);
    const received = {
      path: request.url!,
      id: String(request.headers["webhook-id"]),
      headers: request.headers,
      text,
      type,
      data,
    };
    endpoint.received.push(received);
    endpoint.answer(received, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  endpoint.close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return endpoint;
}

/**
 * Verifies a message as the Standard Webhooks specification says, written from its text: signed is `id.timestamp.body`, with the bytes behind
 * `whsec_`, and one of the signatures of version 1 has to be this one.
 */
export function verifies({ headers, text }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = [headers["webhook-id"], headers["webhook-timestamp"], text].join(".");
  const expected = createHmac("sha256", key).update(signed, "utf8").digest("base64");
  return String(headers["webhook-signature"])
    .split(" ")
    .map((each) => each.split(","))
    .some(([version, signature]) => version === "v1" && signature === expected);
}
