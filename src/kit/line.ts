/** `key=value` pairs in logfmt, absent values left out. (placeholder until the line grammar lands) */
export function formatPairs(pairs: Record<string, string | number | boolean | null | undefined>): string {
  return Object.entries(pairs)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(" ");
}
