/** Behind a comma these are no first name: `García, MBA`, `Acme, Inc.` */
const SUFFIX =
  /^(?:jr|sr|i{2,3}|iv|md|phd|mba|msc|bsc|ma|ba|esq|cpa|pmp|dds|rn|dr|prof|inc|ltd|llc|llp|corp|co|gmbh|ag|kg|sa|sl|srl|spa|bv|plc)\b/i;

const LONGEST = 100;

/** What the names of a column tell of their order: the last one first when every name is written `Doe, Jane`. */
export function createNameOrder(): { see: (cell: string) => void; isTurned: () => boolean } {
  let turned = 0;
  let plain = 0;
  const isTurned = (cell: string): boolean => {
    const [last = "", first = "", ...more] = cell.length > LONGEST ? [] : cell.split(",").map((part) => part.trim());
    return last !== "" && first !== "" && more.length === 0 && !/\d/.test(cell) && !SUFFIX.test(first);
  };
  return {
    see: (cell) => {
      if (isTurned(cell)) turned++;
      else plain++;
    },
    isTurned: () => turned > 0 && plain === 0,
  };
}
