import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDecoder, type Encoding } from "../../../../src/formats/files/encoding.ts";
import { cuts, pieces, run, storable } from "../../../helpers/pieces.ts";

function decode(bytes: Uint8Array, at: readonly number[] = []) {
  const decoder = createDecoder();
  return { text: run(decoder, pieces(bytes, at)).join(""), ...decoder.decoding };
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === "utf-8") return Buffer.from(text);
  const bytes = Buffer.from(text, "utf16le");
  return encoding === "utf-16be" ? bytes.swap16() : bytes;
}

const marked = fc.constantFrom<Encoding>("utf-8", "utf-16le", "utf-16be");

test("a file with a byte order mark reads back in its encoding, wherever its bytes are cut", () => {
  fc.assert(
    fc.property(storable, marked, cuts, (text, encoding, at) => {
      const bytes = encode(`\ufeff${text}`, encoding);
      assert.deepEqual(decode(bytes, at), { text, encoding, marked: true, contrary: 0 });
    }),
  );
});

test("a file without a mark is UTF-8 when it can be", () => {
  fc.assert(
    fc.property(storable, cuts, (text, at) => {
      fc.pre(!text.startsWith("\ufeff"));
      assert.deepEqual(decode(Buffer.from(text), at), { text, encoding: "utf-8", marked: false, contrary: 0 });
    }),
  );
});

const latin = (text: string) => Buffer.from(text, "latin1");

test("bytes that are no UTF-8 are windows-1252, with its quotes and its euro", () => {
  const read = { encoding: "windows-1252", marked: false, contrary: 0 };
  assert.deepEqual(decode(latin("M\xfcller \x93\x80\x94")), { ...read, text: "Müller “€”" });
  assert.deepEqual(decode(latin("caf\xe9")), { ...read, text: "café" });
  assert.deepEqual(decode(Buffer.concat([Buffer.from("öä"), latin(" \xfc")])).encoding, "utf-8");
});

test("a first letter beyond ASCII decides however late it comes", () => {
  const ascii = Buffer.from("Jane,Doe\n".repeat(100_000));
  assert.equal(decode(Buffer.concat([ascii, Buffer.from([0xfc, 0x0a])])).text.slice(-2), "ü\n");
  assert.equal(decode(Buffer.concat([ascii, Buffer.from("ü\n")])).text.slice(-2), "ü\n");
});

test("bytes that contradict the decision are counted, and in UTF-8 stand as lone surrogates", () => {
  const utf8 = Buffer.concat([Buffer.from("ü".repeat(40_000)), Buffer.from([0xe9, 0x2c]), Buffer.from("ö")]);
  const read = decode(utf8, [80_001]);
  assert.deepEqual([read.text.slice(-4), read.encoding, read.contrary], ["ü\udce9,ö", "utf-8", 1]);
  const mixed = Buffer.concat([latin("\xe9".repeat(70_000)), Buffer.from("Müller")]);
  assert.deepEqual([decode(mixed).encoding, decode(mixed, [70_002]).contrary], ["windows-1252", 1]);
  const odd = Buffer.concat([encode("\ufeffab", "utf-16le"), Buffer.from([0x41])]);
  assert.deepEqual([decode(odd).text, decode(odd).contrary], ["ab\udc41", 1]);
});

test("any bytes give the same text and the same report, wherever they are cut", () => {
  const some = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      storable.map((text) => Buffer.from(text)),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(some, cuts, (parts, at) => {
      const bytes = Buffer.concat(parts);
      assert.deepEqual(decode(bytes, at), decode(bytes));
    }),
    { numRuns: 200 },
  );
});

test("UTF-8 is read as TextDecoder reads it, but for its bad bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (tail) => {
      const bytes = Buffer.concat([Buffer.from("ü".repeat(20)), tail]);
      const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      const escapes = /[\udc80-\udcff]+/gu;
      assert.equal(decode(bytes).text.replace(escapes, "\ufffd"), expected.replace(/\ufffd+/g, "\ufffd"));
    }),
    { numRuns: 500 },
  );
});
