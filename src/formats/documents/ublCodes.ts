import { countryType } from "../../fields/country.ts";
import type { Party } from "../../fields/items.ts";

/** UN/ECE recommendation 20 by the words that people use for units. */
const UNITS: Readonly<Record<string, string>> = {
  piece: "H87",
  pieces: "H87",
  pc: "H87",
  pcs: "H87",
  stück: "H87",
  unit: "C62",
  units: "C62",
  each: "EA",
  second: "SEC",
  minute: "MIN",
  min: "MIN",
  hour: "HUR",
  hours: "HUR",
  h: "HUR",
  hr: "HUR",
  stunde: "HUR",
  day: "DAY",
  days: "DAY",
  d: "DAY",
  tag: "DAY",
  week: "WEE",
  weeks: "WEE",
  month: "MON",
  months: "MON",
  monat: "MON",
  year: "ANN",
  years: "ANN",
  jahr: "ANN",
  g: "GRM",
  gram: "GRM",
  kg: "KGM",
  kilogram: "KGM",
  t: "TNE",
  ton: "TNE",
  tonne: "TNE",
  lb: "LBR",
  oz: "ONZ",
  mm: "MMT",
  cm: "CMT",
  m: "MTR",
  metre: "MTR",
  meter: "MTR",
  km: "KMT",
  ft: "FOT",
  mile: "SMI",
  m2: "MTK",
  "m²": "MTK",
  sqm: "MTK",
  m3: "MTQ",
  "m³": "MTQ",
  l: "LTR",
  litre: "LTR",
  liter: "LTR",
  ml: "MLT",
  kwh: "KWH",
  mwh: "MWH",
  kw: "KWT",
  w: "WTT",
  gb: "E34",
  mb: "4L",
  set: "SET",
  pair: "PR",
  percent: "P1",
  "%": "P1",
  lump: "LS",
  flat: "LS",
};

const CODES = new Set(Object.values(UNITS));

/** A word that nobody knows is counted in ones. */
export function unitCode(unit = ""): string {
  const known = UNITS[unit.trim().toLowerCase()];
  return known ?? (CODES.has(unit.trim()) ? unit.trim() : "C62");
}

/** A VAT number without the blanks, dots and dashes that people write in it; undefined where the text does not begin with a country (BR-CO-09). */
export function vatNumberOf({ tax_id = "" }: Party): string | undefined {
  const number = tax_id.replace(/[\s.-]/g, "").toUpperCase();
  const prefix = number.slice(0, 2);
  return prefix === "EL" || prefix === "XI" || countryType.schema.safeParse(prefix).success ? number : undefined;
}

/** The electronic address scheme of a country's VAT numbers. Where the address is a part of the number, the pattern says which. */
const VAT_SCHEMES: Readonly<Record<string, readonly [scheme: string, number?: RegExp]>> = {
  AT: ["9914"],
  BE: ["9925"],
  BG: ["9926"],
  CH: ["9927"],
  CY: ["9928"],
  CZ: ["9929"],
  DE: ["9930"],
  DK: ["0184", /^(DK\d{8})$/],
  EE: ["9931"],
  ES: ["9920"],
  FI: ["0213"],
  FR: ["9957"],
  GB: ["9932"],
  GR: ["9933", /^EL(\d{9})$/],
  HR: ["9934"],
  HU: ["9910"],
  IE: ["9935"],
  IT: ["0211"],
  LI: ["9936"],
  LT: ["9937"],
  LU: ["9938"],
  LV: ["9939"],
  MT: ["9943"],
  NL: ["9944"],
  NO: ["0192", /^NO(\d{9})(?:MVA)?$/],
  PL: ["9945"],
  PT: ["9946"],
  RO: ["9947"],
  RS: ["9948"],
  SE: ["0007", /^SE(\d{10})\d\d$/],
  SI: ["9949"],
  SK: ["9950"],
};

/** Where a party takes electronic documents: as it says, else by its VAT number where its country's scheme has those, else its e-mail address. */
export function endpointOf(party: Party): { scheme: string; id: string } | undefined {
  const { country = "", email, endpoint, registration_id } = party;
  if (endpoint) {
    const [named = "", ...rest] = endpoint.split(":");
    return { scheme: named, id: rest.join(":") };
  }
  if (country === "IS" && registration_id) return { scheme: "0196", id: registration_id.replace(/\D/g, "") };
  const [scheme, number = new RegExp(`^(${country}.+)$`)] = VAT_SCHEMES[country] ?? [];
  const id = number.exec(vatNumberOf(party) ?? "")?.[1];
  if (scheme && id) return { scheme, id };
  return email ? { scheme: "EM", id: email } : undefined;
}
