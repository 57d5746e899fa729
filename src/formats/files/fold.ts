/** A name without what people write in different ways: case, accents, blanks, hyphens and other signs. `ß` is `ss`. */
export function fold(name: string): string {
  const plain = name.normalize("NFD").toLowerCase().replaceAll("ß", "ss");
  return plain.replace(/[^\p{L}\p{N}]/gu, "");
}
