// Engines list the currencies people pay with, and some that lately ended (HRK); no historic ones (DEM).
const codes = new Set(Intl.supportedValuesOf("currency"));

/** The rest of ISO 4217, list one: units of account, funds, metals, tests, and codes that are newer than some engines. */
const FURTHER =
  "BOV CHE CHW CLF COU MXV SLE USN UYI UYW VED XAD XAG XAU XBA XBB XBC XBD XCG XDR XPD XPT XSU XTS XUA XXX ZWG".split(" ");
for (const code of FURTHER) codes.add(code);

/** Whether this is an ISO 4217 code, in upper case. */
export function isCurrency(code: string): boolean {
  return codes.has(code);
}
