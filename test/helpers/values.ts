import fc from "fast-check";
import { collapsed, isVisible } from "../../src/kit/text.ts";
import type { Field } from "../../src/records/kind.ts";

/** A valid value as a caller sends it, and as JSON must show it afterwards. */
export type Sample = { sent: unknown; shown: unknown };

export type FieldValues = {
  /** Awkward values, all of them valid. */
  samples: readonly Sample[];
  arbitrary: fc.Arbitrary<Sample>;
  /** Three values in ascending order, sent as they are shown. */
  ladder: readonly [unknown, unknown, unknown];
  /** A value that a search for the word finds, where values of this kind can be searched. */
  around?: (word: string) => unknown;
  /** JSON values that a write must refuse. */
  refused: readonly unknown[];
  /** Texts that a filter must refuse; none where every text is a value. */
  unreadable: readonly string[];
};

/** Records that links can point to, three of each kind in ascending order of id and title; and who is calling. */
export type World = { me: string; linked: ReadonlyMap<string, readonly Linked[]> };
export type Linked = { id: string; title: string };

/** What cannot be stored: PostgreSQL's text holds no NUL and no half of a surrogate pair. */
export const UNSTORABLE_TEXTS = ["a\0b", "\0", "\ud800", "x\udc00y", "cut off \ud83d"];

/** Storable text that would break a careless line: each ends one, forges another, hides, or looks like another type. */
export const HOSTILE_TEXTS = [
  ...["line\nbreak", "\r\n", "\n# created", "\n# next: abc", "\nERROR internal x", '" name="forged', " name=forged"],
  ...["# created", "# next: abc", "ERROR x", "HINT  do", "OK deleted", "contact/c_t4v6w8y0 name=x"],
  ...['quo"te', '"', '"quoted"', "a=b", "=", "back\\slash", "\\", "\\n", "\\u000a", "\t", "\u0001\u001b[2J\u0085"],
  ...["\u2028", "\u2029 ", "\u202eevil\u2066", "zero\u200bwidth\ufeff", "\u00ad\u3164\ufff9", "\u{e0041}", "\ufffe\u{1ffff}"],
  ...["😀", "👩‍🚀", "❤\ufe0f", "é", "e\u0301", "Ünïcödé", "山田", "\u00a0", "\u3000wide", "％＿＼"],
  ...["  leading", "trailing  ", " ", "a,b", ",", "100%", "_", "%41", "a&b=c", "+", "'; drop table contacts; --", "$1"],
  ...["null", "true", "5", "-0", "1e3", "[]", '{"a":1}', '["b"]', "NULL", "{}", "{a,b}"],
  ...["eq:x", "is:null", "in:a,b", "Re: hello"],
];

const same = (value: unknown): Sample => ({ sent: value, shown: value });
/** Text and JSON are stored in composed form. */
const composed = <Value>(value: Value): Sample => ({
  sent: value,
  shown: JSON.parse(JSON.stringify(value).normalize("NFC")) as Value,
});
const phrased = (text: string): Sample => ({ sent: text, shown: collapsed(text) });
const oneOf = (samples: readonly Sample[]) => fc.constantFrom(...samples);

// fc.string({ unit: "binary" }) does the same and takes a second to get ready.
const anyCharacter = fc
  .integer({ min: 1, max: 0x10ffff })
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point));
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), anyCharacter), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(""));

/** As long as the field takes it; 100 kB is what a mail or a transcript has. */
function longText(field: Field): string {
  return [100_000, 500, 250, 60, 12]
    .map((length) => "long \n".repeat(length / 6))
    .find((text) => field.type.schema.safeParse(text).success)!;
}

const TEXT_LADDER = ["alpha", "beta%", "gamma_2"] as const;

function text(field: Field): FieldValues {
  const long = longText(field);
  const read = field.type.phrase ? phrased : composed<string>;
  const taken = (text: string) => {
    if (field.type.phrase && !isVisible(text)) return false;
    return field.type.schema.safeParse(field.type.fromText(text)).success;
  };
  return {
    samples: [...HOSTILE_TEXTS, long].filter(taken).map(read),
    arbitrary: anyText.filter(taken).map(read),
    ladder: TEXT_LADDER,
    around: (word) => `x ${word} y`,
    refused: [...UNSTORABLE_TEXTS, 5, true, ["a"], { a: 1 }, ...(long.length < 500 ? ["x".repeat(501)] : [])],
    unreadable: [],
  };
}

/** A list of few values, each of them written in some ways. */
function few(values: readonly [string, string, string], written: (value: string) => string[], wrong: string): FieldValues {
  const samples = values.flatMap((value) => written(value).map((sent) => ({ sent, shown: value })));
  return {
    samples,
    arbitrary: oneOf(samples),
    ladder: values,
    refused: [wrong, 5, ["a"], ...UNSTORABLE_TEXTS],
    unreadable: [wrong],
  };
}

/** A whole number. Numbers in text are read, as a form sends them. */
function whole(most: number, ladder: [number, number, number]): FieldValues {
  const samples = [0, 1, -1, most, -most]
    .map(same)
    .concat({ sent: " 42 ", shown: 42 }, { sent: "-7", shown: -7 }, { sent: -0, shown: 0 });
  return {
    samples,
    arbitrary: fc.integer({ min: -most, max: most }).map(same),
    ladder,
    refused: [1.5, "1.5", "1e3", "0x10", "five", true, [1], most * 2 + 2],
    unreadable: ["1.5", "1e3", "0x10", "five", "9".repeat(17), String(most + 1)],
  };
}

/** An exact decimal between these bounds. Its values come back as the same JSON numbers. */
function exact(least: number, most: number, ladder: [number, number, number]): FieldValues {
  const samples = [0, 1, 7.5, 19, 0.1, 0.000001, least, most].map(same);
  samples.push({ sent: "7.50", shown: 7.5 }, { sent: " +007 ", shown: 7 }, { sent: -0, shown: 0 });
  return {
    samples,
    arbitrary: fc.integer({ min: least * 1e6, max: most * 1e6 }).map((millionths) => same(millionths / 1e6)),
    ladder,
    refused: [most + 1, 1e-7, 0.1 + 0.2, "7,5", "1e3", ".5", "five", "NaN", true, [1]],
    unreadable: ["7,5", "1e3", "0.0000001", "1234567890", ".5", "five", "NaN", "Infinity"],
  };
}

function reference(field: Field, world: World): FieldValues {
  const target = field.link!.target.name;
  const linked = world.linked.get(target)!;
  const samples = linked.flatMap(({ id }) => idForms(target, id).map((sent) => ({ sent, shown: id })));
  const ids = linked.map(({ id }) => id) as [string, string, string];
  const noIds = ["", "_", "x", "c_short", "contact/", "c_t4v6w8y0 or 1=1"].filter(Boolean);
  return { samples, arbitrary: oneOf(samples), ladder: ids, refused: [...noIds, 5, true], unreadable: noIds };
}

/** Every way to write an id. */
export function idForms(kind: string, id: string): string[] {
  const short = id.slice(0, id.indexOf("_") + 1) + id.slice(-8);
  return [id, short, `${kind}/${short}`, id.toUpperCase(), short.toUpperCase(), `${kind}/${short}`.toUpperCase(), ` ${short} `];
}

/** Lists of further values. Of a natural key, each is one record's only, and none of them is a main value. */
function listed(item: (word: string) => string, wrong: string, most = 20): FieldValues {
  const list = (...words: string[]) => words.map(item);
  const samples = [list("a"), list("b", "c"), list("d", "e", "f"), list("ü", "g-h")].map(same);
  samples.push({ sent: list("i", "j", "i").join(" , "), shown: list("i", "j") });
  return {
    samples,
    arbitrary: fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 4 }).map((words) => same(list(...words))),
    ladder: [list("la", "lb"), list("lc"), list("ld", "le", "lf")],
    around: (word) => list("around", word),
    refused: [
      [wrong],
      [item("x"), wrong],
      [5],
      { a: 1 },
      { add: [wrong] },
      5,
      list(...Array.from({ length: most + 1 }, (_, i) => `n${i}`)),
    ],
    unreadable: [],
  };
}

/** By `FieldType.name`. A new field type needs its values here, so that every property covers it. */
const KINDS: Record<string, (field: Field, world: World) => FieldValues> = {
  text,
  person: (field, world) => {
    const plain = text(field);
    return { ...plain, samples: [{ sent: "me", shown: world.me }, ...plain.samples] };
  },
  known: (field) => {
    const [first, second, third] = [...field.type.known!].sort() as [string, string, string];
    const values = few([first, second, third], (value) => [value, value.toUpperCase(), ` ${value} `], "");
    const own = { sent: "  Text \n Message ", shown: "text message" };
    return { ...values, samples: [...values.samples, own], refused: [5, ["a"], ...UNSTORABLE_TEXTS], unreadable: [] };
  },
  phone: (field) => ({
    ...text(field),
    samples: [...text(field).samples, { sent: " 49 30 123", shown: " 49 30 123" }],
    arbitrary: fc.stringMatching(/^\+[0-9 ()/-]{1,20}$/).map(same),
  }),
  email: () => {
    const samples = ["a+b@acme.com", "o'brien=x%y#1@sub.acme.com", "ünï@exämple.de", `${"l".repeat(50)}@acme.com`].map(same);
    samples.push({ sent: " JANE@Acme.Com ", shown: "jane@acme.com" });
    return {
      samples,
      arbitrary: fc.stringMatching(/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z]{1,9}\.com$/).map(same),
      ladder: ["a@acme.com", "b@acme.com", "c@acme.com"],
      around: (word) => `x@${word}.com`,
      refused: [
        "nobody",
        "jane tag@acme.com",
        "a@b",
        "@acme.com",
        "a@acme.com, b@acme.com",
        "Jane <a@acme.com>",
        5,
        ["a@acme.com"],
        "a\u200b@acme.com",
        "a\0@acme.com",
      ],
      unreadable: [],
    };
  },
  domain: () => ({
    samples: [...["acme.com", "a-b.co.uk", "exämple.de"].map(same), { sent: "https://www.Acme.com/x?y#z", shown: "acme.com" }],
    arbitrary: fc.stringMatching(/^[a-z0-9]{1,20}\.[a-z]{2,6}$/).map(same),
    ladder: ["a.com", "b.com", "c.com"],
    around: (word) => `${word}.com`,
    refused: ["acme", "acme..com", "-acme.com", "acme .com", 5, "ac\u202eme.com", "acme.com\0"],
    unreadable: [],
  }),
  choice: (field) => {
    const [first, second, third] = [...field.type.choices!].sort() as [string, string, string];
    return few([first, second, third ?? second], (value) => [value, value.toUpperCase(), ` ${value} `], "no such choice");
  },
  currency: () => few(["CHF", "EUR", "USD"], (value) => [value, value.toLowerCase()], "XYZ"),
  cents: () => whole(Number.MAX_SAFE_INTEGER, [-500, 0, 125_000]),
  decimal: () => exact(-999_999_999, 999_999_999, [-0.5, 7.25, 19]),
  percent: () => exact(0, 100, [0, 7.5, 19]),
  country: () => few(["AT", "DE", "XK"], (value) => [value, value.toLowerCase(), ` ${value} `], "UK"),
  endpoint: () => few(["0088:7300010000001", "0192:923456783", "9930:DE123456789"], (value) => [value, ` ${value} `], "1234:5"),
  code: () => ({
    samples: ["AB-100", "ab/7 x", "100%", "Ü_1", "null", "x".repeat(100)]
      .map(same)
      .concat({ sent: " e\u0301-1 ", shown: "é-1" }),
    arbitrary: fc.stringMatching(/^[A-Za-z0-9%_./#-]{1,30}$/).map(same),
    ladder: ["AL-1", "BE%2", "GA_3"],
    around: (word) => `x ${word}`,
    refused: ["x".repeat(101), "a\nb", "a\u200bb", 5, ["a"], ...UNSTORABLE_TEXTS],
    unreadable: [],
  }),
  number: () => whole(2_147_483_647, [1, 2, 3]),
  integer: () => whole(Number.MAX_SAFE_INTEGER, [-500, 0, 125_000]),
  url: () => ({
    samples: ["https://acme.com", "http://a.b/x?y=1&z=%20#q", "https://exämple.de/ü"]
      .map(same)
      .concat({ sent: " acme.com/x ", shown: "https://acme.com/x" }),
    arbitrary: fc.stringMatching(/^https:\/\/[a-z]{1,9}\.com\/[a-z0-9?=_-]{0,20}$/).map(same),
    ladder: ["https://a.com/1", "https://b.com/2", "https://c.com/3"],
    around: (word) => `https://acme.com/${word}`,
    refused: [
      "acme",
      "ftp://acme.com",
      "javascript:alert(1)",
      "https://",
      "https://a b.com",
      5,
      ["https://a.com"],
      "https://a.com/\0",
    ],
    unreadable: [],
  }),
  json: (field, world) => KINDS["custom"]!(field, world),
  boolean: () => ({
    samples: [true, false].map(same).concat({ sent: "yes", shown: true }, { sent: "0", shown: false }),
    arbitrary: fc.boolean().map(same),
    ladder: [false, false, true],
    refused: [2, "maybe", [true]],
    unreadable: ["maybe", "2", "null"],
  }),
  time: () => ({
    samples: [
      ...["2026-06-10T09:00:00Z", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"].map(same),
      { sent: "2026-06-10T11:00:00.999+02:00", shown: "2026-06-10T09:00:00Z" },
      { sent: "2026-06-10", shown: "2026-06-10T00:00:00Z" },
    ],
    arbitrary: fc
      .date({ min: new Date(0), max: new Date("9998-01-01"), noInvalidDate: true })
      .map((date) => same(date.toISOString().replace(/\.\d+Z/, "Z"))),
    ladder: ["2026-01-01T00:00:00Z", "2026-06-10T09:00:00Z", "2026-06-10T09:00:01Z"],
    refused: ["soon", "2026-02-30", "2026-06-10T25:00:00Z", 1_780_000_000, "infinity", "10000-01-01", "2026-06-10\0"],
    unreadable: ["soon", "2026-02-30", "2026-06-10T25:00:00Z", "infinity", "-7x"],
  }),
  date: () => ({
    samples: ["2026-06-10", "0001-01-01", "9999-12-31", "2024-02-29"].map(same),
    arbitrary: fc
      .date({ min: new Date(0), max: new Date("9998-01-01"), noInvalidDate: true })
      .map((date) => same(date.toISOString().slice(0, 10))),
    ladder: ["2026-01-31", "2026-02-28", "2026-12-01"],
    refused: ["soon", "2026-02-30", 20_260_610, "infinity", "-3h"],
    unreadable: ["soon", "2026-02-30", "infinity", "-3h"],
  }),
  tags: () => {
    const items = HOSTILE_TEXTS.filter((item) => !/[\s,"\p{Cc}]/u.test(item));
    const tagged = (list: string[]) => ({ sent: list, shown: [...new Set(list.map((tag) => tag.normalize("NFC")))] });
    const lists = [...items.map((item) => [item]), items.slice(0, 50), ["saas", "vip"], ["vip", "saas"]];
    return {
      samples: [
        ...lists.map(tagged),
        { sent: ["a", "a", "b"], shown: ["a", "b"] },
        { sent: "a, b,,c", shown: ["a", "b", "c"] },
      ],
      arbitrary: fc.uniqueArray(fc.constantFrom(...items), { minLength: 1, maxLength: 5 }).map(tagged),
      ladder: [["alpha"], ["alpha", "beta%"], ["gamma_2"]],
      around: (word) => ["x", word],
      refused: [
        ["a b"],
        ["a,b"],
        ['a"b'],
        ["a\nb"],
        ["a\u2028b"],
        [""],
        [5],
        { a: 1 },
        5,
        ...UNSTORABLE_TEXTS.map((item) => [item]),
      ],
      unreadable: [],
    };
  },
  "list of email": () => listed((word) => `${word}@further.example`, "nobody"),
  "list of domain": () => listed((word) => `${word}.further.example`, "further"),
  "list of phone": () => {
    const phones = listed((word) => `+49 30 ${word}`, "a\0b");
    const commas = [{ sent: ["0171, after six", "+1 (2)", "0171, after six"], shown: ["0171, after six", "+1 (2)"] }];
    return { ...phones, samples: [...phones.samples, ...commas] };
  },
  mailbox: () => ({
    samples: [
      ...["a+b@acme.com", "o'brien=x%y#1@sub.acme.com", "ünï@exämple.de"].map(same),
      ...[
        "Jane Doe <JANE@Acme.com>",
        '"Doe, \\"J\\"; x" <jane@acme.com>',
        "Doe, Jane <jane@acme.com>",
        "<jane@acme.com>",
        "jane@acme.com (Jane, (at) work)",
      ].map((sent) => ({ sent, shown: "jane@acme.com" })),
    ],
    arbitrary: fc.stringMatching(/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z]{1,9}\.com$/).map(same),
    // The first is at the domain of a company, the others are those of contacts.
    ladder: ["a@a.com", "b@acme.com", "c@acme.com"],
    around: (word) => `x@${word}.com`,
    refused: ["nobody", "a@b", "a@acme.com, b@acme.com", "Jane <jane>", "<a@acme.com", 5, ["a@acme.com"], "a\0@acme.com"],
    unreadable: [],
  }),
  "list of mailbox": () => {
    const lists = listed((word) => `${word}@further.example`, "nobody", 500);
    const header = 'Jane <A@acme.com>, "Doe, Sam" <b@acme.com>; c@acme.com, a@acme.com';
    const group = "The team: a@acme.com, B <b@acme.com>;, undisclosed-recipients:;";
    return {
      ...lists,
      samples: [
        ...lists.samples,
        { sent: header, shown: ["a@acme.com", "b@acme.com", "c@acme.com"] },
        { sent: [header, "d@acme.com"], shown: ["a@acme.com", "b@acme.com", "c@acme.com", "d@acme.com"] },
        { sent: group, shown: ["a@acme.com", "b@acme.com"] },
      ],
    };
  },
  "message id": () => ({
    samples: [...["CAF=x+1@mail.acme.com", "a,b@c", "eq:x@y", "5"].map(same), { sent: " <a@b.c> ", shown: "a@b.c" }],
    arbitrary: fc.stringMatching(/^[A-Za-z0-9.!#$%&'*+/=?^_{|}~@,-]{1,40}$/).map(same),
    ladder: ["alpha@x", "beta%@x", "gamma_2@x"],
    around: (word) => `${word}@x`,
    refused: ["a b", "<a> <b>", "x".repeat(501), "a\u200b", 5, ["a"], ...UNSTORABLE_TEXTS],
    unreadable: [],
  }),
  "list of message id": () => {
    const lists = listed((word) => `${word}@further.example`, "a b", 100);
    const header = { sent: "<a@x> <b,c@x>\r\n\t<a@x>", shown: ["a@x", "b,c@x"] };
    return { ...lists, samples: [...lists.samples, header] };
  },
  links: () => shownOnly(["nobody@", "e_t4v6w8y0x"]),
  involved: () => shownOnly(["a@b", "@acme.com", "jane"]),
  custom: () => {
    const members = Object.fromEntries(HOSTILE_TEXTS.map((item, i) => [`t${i}`, item]));
    const nested = { list: ["a", 1, null, { b: [] }], "key with \u202e=": { "": "\n# created" }, tiny: 1e-7, huge: 1e300 };
    const numbers = { whole: 2 ** 70, big: 1e21, tiny: 1.5e-7, minus: -3.25, yes: true };
    const keys = { "a.b": "x", ünï: 1, "9": true, "a:b/c@d-e_f": false, constructor: "x", toString: 0 };
    return {
      samples: [members, { nested, list: [[]], empty: {} }, numbers, keys, { long: "x\n".repeat(50_000) }].map(composed),
      arbitrary: fc
        .dictionary(
          fc.stringMatching(/^[a-zé_][a-z0-9_.:-]{0,9}$/u),
          fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null && !Object.is(value, -0)),
          { minKeys: 1, maxKeys: 4, noNullPrototype: true },
        )
        .map((object) => composed(JSON.parse(JSON.stringify(object)))),
      ladder: [{ rung: 1 }, { rung: 2 }, { rung: 3 }],
      refused: [
        ...[
          [],
          5,
          "text",
          { "a b": 1 },
          { "a=b": 1 },
          { "": 1 },
          { 'a"': 1 },
          { "a\u202e": 1 },
          { "\u3164": 1 },
          JSON.parse('{"__proto__":1}'),
        ],
        ...UNSTORABLE_TEXTS.flatMap((item) => [{ a: item }, { [item]: 1 }, { a: { b: [item] } }, { a: { [item]: 1 } }]),
      ],
      unreadable: [],
    };
  },
  items: () => {
    const item = (description: string, more: object = {}) => {
      const whole = { description, quantity: 2, unit_price_cents: 150, tax_rate: 19, tax_category: "S", ...more };
      return { sent: [{ description, quantity: 2, unit_price_cents: 150, tax_rate: 19, ...more }], shown: [whole] };
    };
    const shown = ({ sent, shown: [whole] }: ReturnType<typeof item>): Sample => ({
      sent,
      shown: [{ ...whole, description: whole!.description.normalize("NFC"), net_cents: 300 }],
    });
    const rung = (n: number) => [{ description: `Rung ${n}`, quantity: n, unit_price_cents: 100, tax_rate: 0 }];
    return {
      samples: HOSTILE_TEXTS.filter(isVisible).map((text) => shown(item(text))),
      arbitrary: anyText.filter(isVisible).map((text) => shown(item(text))),
      ladder: [rung(1), rung(2), rung(3)],
      refused: [
        5,
        "text",
        {},
        [5],
        [{ descriptio: "x" }],
        [{ description: "x", quantity: "2", unit_price_cents: 1 }],
        [{ description: "x", unit_price_cents: 1.5 }],
        [{ description: "x", unit_price_cents: -1 }],
        [{ description: "x", unit_price_cents: 1, tax_rate: 101 }],
        ...UNSTORABLE_TEXTS.map((text) => [{ description: text, unit_price_cents: 1 }]),
      ],
      unreadable: [],
    };
  },
  steps: () => {
    const say = (text: string) => [{ id: "say", type: "question", text }];
    const wrong = [{ id: "say", type: "yesno", text: "?", branches: { Yes: "end", No: "end", Maybe: "end" } }];
    return {
      samples: [...HOSTILE_TEXTS.filter(isVisible).map(say).map(composed), { sent: JSON.stringify(say("?")), shown: say("?") }],
      arbitrary: anyText.filter(isVisible).map(say).map(composed),
      ladder: [say("Rung 1"), say("Rung 2"), say("Rung 3")],
      refused: [5, "text", {}, [], [5], [{}], [{ type: "question" }], wrong, ...UNSTORABLE_TEXTS.map(say)],
      unreadable: [],
    };
  },
  next: () => shownOnly([]),
  questions: () => {
    const say = (label: string) => [{ id: "say", label, type: "long_text" }];
    return {
      samples: [...HOSTILE_TEXTS.filter(isVisible).map(say).map(composed), { sent: JSON.stringify(say("?")), shown: say("?") }],
      arbitrary: anyText.filter(isVisible).map(say).map(composed),
      ladder: [say("Rung 1"), say("Rung 2"), say("Rung 3")],
      refused: [
        5,
        "text",
        {},
        [],
        [5],
        [{}],
        [{ type: "text" }],
        [{ label: "?", type: "choice" }],
        ...UNSTORABLE_TEXTS.map(say),
      ],
      unreadable: [],
    };
  },
  answers: () => answered,
  responses: () => answered,
  taxes: () => shownOnly([]),
  party: () => shownOnly([]),
  reference,
  name: (field, world) => ({
    ...reference(field, world),
    samples: world.linked.get(field.link!.target.name)!.map(({ title }) => same(title)),
    ladder: world.linked.get(field.link!.target.name)!.map(({ title }) => title) as [string, string, string],
    refused: [5, true, ...UNSTORABLE_TEXTS],
    unreadable: [],
  }),
  id: () => shownOnly(["c_short", "x", "_"]),
  handle: () => shownOnly(["c_short", "x", "_"]),
};

/** All scripts and forms that tests link to ask one thing (see `steps`). */
const say = (text: string) => composed({ say: text });
const answered: FieldValues = {
  samples: HOSTILE_TEXTS.filter(isVisible).map(say),
  arbitrary: anyText.filter(isVisible).map(say),
  ladder: [{ say: "1" }, { say: "2" }, { say: "3" }],
  refused: [
    [],
    5,
    "text",
    { say: ["a"] },
    { say: {} },
    { say: " " },
    { other: "x" },
    ...UNSTORABLE_TEXTS.map((text) => ({ say: text })),
  ],
  unreadable: [],
};

/** A kind that no caller writes. */
function shownOnly(unreadable: string[]): FieldValues {
  return { samples: [], arbitrary: fc.constant(same(null)), ladder: [null, null, null], refused: [], unreadable };
}

export function valuesOf(field: Field, world: World): FieldValues {
  const values = KINDS[field.type.name];
  if (!values)
    throw new Error(`the field type ${field.type.name} (${field.name}) has no values in test/helpers/values.ts: add them`);
  return values(field, world);
}
