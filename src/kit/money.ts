// The codes the engine lists: currencies in use and some lately so (HRK); no historic ones (DEM), no metals or test codes (XAU, XXX).
const codes = new Set(Intl.supportedValuesOf("currency"));

/** Whether this is an ISO 4217 code, in upper case. */
export function isCurrency(code: string): boolean {
  return codes.has(code);
}
