/**
 * FNV-1a over UTF-16 code units, 32 bits (draft-eastlake-fnv), base 36. It tells texts apart; it does not resist an adversary.
 */
export function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
