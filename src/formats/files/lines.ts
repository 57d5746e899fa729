import { isSuspect, MAX_ROW } from "./row.ts";
import type { Machine } from "./stream.ts";

/** A physical line without its end. `cut` says that it was too long and that `text` is only its beginning. */
export type Line = { row: number; text: string; cut: boolean; suspect: boolean };

const LINE_END = /\r\n?|\n/g;

/** Physical lines of at most `most` characters: CRLF, LF or CR ends one, the last one needs no end. They count from 1. */
export function createLines(most = MAX_ROW): Machine<string, Line> {
  let row = 1;
  let held = "";
  let cut = false;
  let skipsLineFeed = false;

  function hold(text: string): void {
    held += cut ? "" : text;
    if (held.length <= most) return;
    held = held.slice(0, most);
    cut = true;
  }

  function take(): Line {
    const line = { row: row++, text: held, cut, suspect: isSuspect(held) };
    held = "";
    cut = false;
    return line;
  }

  function push(piece: string): Line[] {
    const lines: Line[] = [];
    if (piece === "") return lines;
    let start = skipsLineFeed && piece[0] === "\n" ? 1 : 0;
    skipsLineFeed = piece.endsWith("\r");
    LINE_END.lastIndex = start;
    for (let found = LINE_END.exec(piece); found; found = LINE_END.exec(piece)) {
      hold(piece.slice(start, found.index));
      lines.push(take());
      start = LINE_END.lastIndex;
    }
    hold(piece.slice(start));
    return lines;
  }

  return { push, end: () => (held === "" && !cut ? [] : [take()]) };
}
