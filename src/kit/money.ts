// The engine lists current currencies and some recent ones (HRK), but no historic ones (DEM).
const codes = new Set(Intl.supportedValuesOf("currency"));

/** The rest of ISO 4217, list one: units of account, funds, metals, test codes, and codes newer than some engines. */
const FURTHER =
  "BOV CHE CHW CLF COU MXV SLE USN UYI UYW VED XAD XAG XAU XBA XBB XBC XBD XCG XDR XPD XPT XSU XTS XUA XXX ZWG".split(" ");
for (const code of FURTHER) codes.add(code);

/** True for an ISO 4217 code in upper case. */
export function isCurrency(code: string): boolean {
  return codes.has(code);
}

/** Digits behind the point by ISO 4217, where they are not two. The engine's own differ for some: it counts forint and rupiah in whole ones. */
const DIGITS = new Map(
  Object.entries({
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
  }).flatMap(([digits, some]) => some.split(" ").map((code): [string, number] => [code, Number(digits)])),
);

/** Digits behind the point of a currency: 2 of EUR, 0 of JPY, 3 of KWD. */
export const minorDigits = (currency: string): number => DIGITS.get(currency) ?? 2;
