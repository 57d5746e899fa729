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
