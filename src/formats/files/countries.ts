/** Countries as people write them: `Germany`, `Deutschland`, `Allemagne`, `USA`, `DEU`. */
import { COUNTRY_CODES } from "../../kit/countryCodes.ts";
import { fold } from "./fold.ts";

const LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt"];

/** Names that no language of the runtime shows first, and the three letters that a few programs write. */
const OTHERS: { readonly [code: string]: string } = {
  US: "USA|U.S.A.|U.S.|United States of America|America|Estados Unidos de América|EUA|EE. UU.",
  GB: "UK|U.K.|GBR|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Grande-Bretagne|Gran Bretaña|Gran Bretagna",
  DE: "DEU|GER|BRD|Bundesrepublik Deutschland|Federal Republic of Germany",
  NL: "NLD|The Netherlands|Holland",
  CZ: "CZE|Czech Republic|Tschechische Republik|République tchèque|República Checa|Repubblica Ceca",
  TR: "TUR|Turkey",
  RU: "RUS|Russian Federation|Russische Föderation",
  KR: "KOR|Korea|Republic of Korea|Korea, Republic of|Korea South",
  IE: "IRL|Republic of Ireland|Eire",
  AE: "ARE|UAE|U.A.E.",
  VN: "VNM|Viet Nam",
  CN: "CHN|PRC|People's Republic of China|VR China",
  MK: "MKD|Macedonia",
  CI: "CIV|Ivory Coast",
  MD: "MDA|Republic of Moldova",
  IR: "IRN|Iran, Islamic Republic of",
  TW: "TWN|Taiwan, Province of China",
  BO: "BOL|Bolivia, Plurinational State of",
  VE: "VEN|Venezuela, Bolivarian Republic of",
  TZ: "TZA|Tanzania, United Republic of",
  ...{
    AT: "AUT",
    CH: "CHE",
    FR: "FRA",
    ES: "ESP",
    IT: "ITA",
    BE: "BEL",
    LU: "LUX",
    PT: "PRT",
    PL: "POL",
    DK: "DNK",
    SE: "SWE",
  },
  ...{
    NO: "NOR",
    FI: "FIN",
    CA: "CAN",
    MX: "MEX",
    BR: "BRA",
    AR: "ARG",
    AU: "AUS",
    NZ: "NZL",
    JP: "JPN",
    IN: "IND",
    ZA: "ZAF",
  },
  ...{ GR: "GRC", HU: "HUN", RO: "ROU", UA: "UKR", IL: "ISR", SG: "SGP", HK: "HKG|Hong Kong", CL: "CHL", CO: "COL", SK: "SVK" },
};

const LONGEST = 60;
let names: Map<string, string | undefined> | undefined;

/** The code of a country; the text as it is where it names none, or in two languages two. */
export function readCountryName(text: string): string {
  if (text.length > LONGEST || (/^\s*[a-z]{2}\s*$/i.test(text) && text.trim().toUpperCase() !== "UK")) return text;
  names ??= countryNames();
  return names.get(keyOf(text)) ?? text;
}

/** `Bosnia & Herzegovina` is `Bosnia and Herzegovina`. */
const keyOf = (name: string) => fold(name.replace(/&|\b(?:and|und|et|y|e|en)\b/gi, " "));

function countryNames(): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  const add = (key: string, code: string) => found.set(key, found.has(key) && found.get(key) !== code ? undefined : code);
  for (const language of LANGUAGES) {
    const shown = new Intl.DisplayNames(language, { type: "region", fallback: "none" });
    for (const code of COUNTRY_CODES) {
      const name = shown.of(code);
      if (name === undefined) continue;
      add(keyOf(name), code);
      if (language === "de") add(keyOf(name.replace(/[äöü]/gi, (letter) => `${letter}e`)), code);
    }
  }
  for (const [code, others] of Object.entries(OTHERS)) for (const name of others.split("|")) found.set(keyOf(name), code);
  return found;
}
