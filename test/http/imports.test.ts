import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** A file goes in as a whole: what of it is right is written, and each row has its verdict. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const CSV = { "content-type": "text/csv" };

test("a table goes in: links by name are found or made, and each row has its verdict", async () => {
  await ann.send("POST", "/companies", { name: "Globex", domain: "globex.com" });
  const file = [
    "Vorname;Name;E-Mail;Firma;Telefon",
    "Jane;Doe;jane@acme.example;Acme;+49 30 1234",
    'Bob;Stone;bob@globex.com;globex.com;"030 99"',
    "Eve;Bad;eve@;Acme;",
    "Åsa;Lind;asa@acme.example;ACME;",
    "Jane;Roe;jane@acme.example;;",
  ].join("\r\n");
  const reply = await ann.send("POST", "/contacts/import", file, CSV);
  console.log(reply.status, reply.text);
  console.log((await ann.send("GET", "/contacts?fields=name,email,company,phone,custom,version")).text);
  console.log((await ann.send("GET", "/companies")).text);
  console.log((await ann.send("GET", "/imports")).text);
  const [id] = /im_\w+/.exec(reply.text)!;
  console.log((await ann.send("GET", `/imports/${id}?format=json`)).text);
  console.log((await ann.send("POST", "/contacts/import?dry_run=true", file, CSV)).text);
  console.log((await ann.send("POST", "/contacts/import?strict=true", file, CSV)).text);
  console.log((await ann.send("POST", "/contacts/import?strict=true&format=json", file.replace("eve@", "eve@x.example"), CSV)).text);
  console.log((await ann.send("GET", "/audit?fields=record,request_id,action,at")).text);
});
