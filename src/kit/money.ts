// Every ISO 4217 code the engine knows, historic ones too: an old deal may well be in DEM.
const codes = new Set(Intl.supportedValuesOf("currency"));

/** Whether this is an ISO 4217 code, in upper case. */
export function isCurrency(code: string): boolean {
  return codes.has(code);
}
