/** What a progress line is written to. */
export type Terminal = { isTTY?: boolean; write: (text: string) => unknown };

const WIDTH = 30;
const EVERY_MS = 100;

export type Bar = { show: (doing: string, done: number, all: number) => void; end: () => void };

/** A bar on a terminal that fills as the work goes on. Where nobody watches, nothing is written. */
export function createBar(terminal: Terminal, now = () => performance.now()): Bar {
  let shown = Number.NEGATIVE_INFINITY;
  let last = "";
  return {
    show(doing, done, all) {
      if (!terminal.isTTY || (now() - shown < EVERY_MS && done < all && doing === last)) return;
      shown = now();
      last = doing;
      const part = all > 0 ? Math.min(1, done / all) : 1;
      const filled = Math.round(part * WIDTH);
      terminal.write(
        `\r${doing.padEnd(8)} [${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`,
      );
    },
    end() {
      if (last !== "") terminal.write("\n");
    },
  };
}
