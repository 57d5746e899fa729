/** Columns kept under `custom` of which every cell is a day: they are kept as the service writes days, so that filters compare them. */
import { createDateOrder, type DateOrder, readSheetDate } from "./files/dates.ts";

export type DayColumns = {
  see: (name: string, cell: string) => void;
  /** The columns that are days, each with what comes first in its numbers. */
  facts: () => Record<string, DateOrder>;
};

type Seen = { order: ReturnType<typeof createDateOrder>; doubts: boolean } | "others";

/** `said`: what the sender says of dates that can be read in two ways. */
export function createDayColumns(said: DateOrder | undefined): DayColumns {
  const columns = new Map<string, Seen>();
  return {
    see(name, cell) {
      const known = columns.get(name) ?? { order: createDateOrder(), doubts: false };
      if (known === "others") return;
      const read = isWritten(cell) ? readSheetDate(cell) : "none";
      const isDay = read === "ambiguous" || (read !== "none" && read.clock === "");
      columns.set(name, isDay ? known : "others");
      if (!isDay) return;
      known.order.see(cell);
      known.doubts ||= read === "ambiguous";
    },
    facts: () =>
      Object.fromEntries(
        [...columns].flatMap(([name, seen]): [string, DateOrder][] => {
          if (seen === "others") return [];
          const order = said ?? seen.order.order();
          if (order === "mixed" || (seen.doubts && order === undefined)) return [];
          return [[name, order ?? "dmy"]];
        }),
      ),
  };
}

/** Numbers of things are no days, nor are those of chapters: a day has a year of four digits, and something beside its digits. */
const isWritten = (cell: string) => cell.length <= 60 && /(?:^|\D)\d{4}(?:\D|$)/.test(cell) && /\D/.test(cell.trim());

/** The cell as a day, where it is one. */
export function dayOfCell(cell: string, order: DateOrder): string {
  const read = readSheetDate(cell, { order });
  return typeof read === "string" ? cell : read.day;
}
