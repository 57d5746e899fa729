import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { StartError } from "../../../src/kit/startError.ts";
import { addressOf } from "../../../src/postgres/address.ts";

const read = (url: string) => addressOf({ url });

test("the parts of a URL", () => {
  assert.deepEqual(read("postgres://crm:p%40ss%2Fw%3Ard@db.example.com:6432/card%20file"), {
    ...{ host: "db.example.com", port: 6432, path: undefined, user: "crm", password: "p@ss/w:rd", database: "card file" },
    tls: undefined,
  });
  assert.equal(read("postgresql://crm@[::1]/crm").host, "::1");
  assert.equal(read("postgres://crm@db/crm").port, 5432);
});

test("a socket, by its folder", () => {
  for (const url of [
    "postgres:///crm?host=/run/pg&user=crm",
    "postgres://crm@%2Frun%2Fpg/crm",
    "postgres://crm@x/crm?host=/run/pg",
  ]) {
    assert.deepEqual([read(url).path, read(url).user, read(url).database], ["/run/pg/.s.PGSQL.5432", "crm", "crm"]);
  }
  const embedded = addressOf({ host: "/data/postgres", port: 5433, user: "crm", database: "crm" });
  assert.equal(embedded.path, "/data/postgres/.s.PGSQL.5433");
});

test("sslmode as libpq has it", () => {
  const tlsOf = (parameters: string, host = "db.example.com") => read(`postgres://crm@${host}/crm?${parameters}`).tls;
  assert.equal(tlsOf("sslmode=disable"), undefined);
  assert.deepEqual([tlsOf("sslmode=prefer")?.optional, tlsOf("sslmode=require")?.optional], [true, false]);
  assert.equal(tlsOf("sslmode=require")?.options.rejectUnauthorized, false);
  const full = tlsOf("sslmode=verify-full");
  assert.deepEqual([full?.options.rejectUnauthorized, full?.options.checkServerIdentity], [undefined, undefined]);
  assert.deepEqual([full?.options.host, full?.options.servername], ["db.example.com", "db.example.com"]);
  assert.equal(tlsOf("sslmode=verify-full", "10.0.0.7")?.options.servername, undefined);
  assert.equal(typeof tlsOf("sslmode=verify-ca")?.options.checkServerIdentity, "function");
  assert.throws(() => tlsOf("sslmode=yes"), StartError);
  assert.throws(() => tlsOf("sslmode=verify-full&sslrootcert=/no/such/file"), StartError);
});

test("a root certificate is read, and checks the server even where sslmode only says require", () => {
  const folder = mkdtempSync(join(tmpdir(), "cardfile-"));
  const file = join(folder, "root.crt");
  writeFileSync(file, "");
  const { options } = read(`postgres://crm@db/crm?sslmode=require&sslrootcert=${file}`).tls!;
  assert.deepEqual([options.ca, options.rejectUnauthorized], ["", undefined]);
  rmSync(folder, { recursive: true });
});

test("a wrong address is refused without repeating the password", () => {
  const wrong = [
    "",
    "crm",
    "mysql://crm:s3cret@db/crm",
    "postgres://crm:s3cret@db",
    "postgres://db/crm",
    "postgres://crm:s3cret%@db/crm",
  ];
  for (const url of [...wrong, "postgres://crm:s3cret@db/crm?channel_binding=require", "postgres://crm:s3cret@a:1,b:2/crm"]) {
    assert.throws(
      () => read(url),
      (error) => error instanceof StartError && !error.message.includes("s3cret"),
      url,
    );
  }
});
