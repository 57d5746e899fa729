import type { Told } from "../../formats/format.ts";

/** Characters that are kept for a reader who is slower than the work. */
const MOST_UNREAD = 1_000_000;

/**
 * What an import tells, for one reader, whom it never waits for: when too much is unread, verdicts are left out and counted. A reader that
 * has gone away is one who reads nothing.
 */
export type Telling = {
  told: AsyncIterable<readonly Told[]>;
  tell: (one: Told) => void;
  /** Verdicts that were left out. */
  dropped: () => number;
  end: () => void;
  /** Ends the answer without its end, so that the reader notices. */
  fail: (error: unknown) => void;
};

export function createTelling(most = MOST_UNREAD): Telling {
  let unread: Told[] = [];
  let size = 0;
  let dropped = 0;
  let ending: { error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  const woken = () => {
    wake?.();
    wake = undefined;
  };

  async function* read(): AsyncGenerator<readonly Told[]> {
    for (;;) {
      if (unread.length > 0) {
        const some = unread;
        unread = [];
        size = 0;
        yield some;
      } else if (ending) {
        if ("error" in ending) throw ending.error;
        return;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    told: read(),
    tell(one) {
      const length = sizeOf(one);
      if (one.is === "verdict" && size + length > most) {
        dropped += 1;
        return;
      }
      unread.push(one);
      size += length;
      woken();
    },
    dropped: () => dropped,
    end() {
      ending = {};
      woken();
    },
    fail(error) {
      ending = { error };
      woken();
    },
  };
}

/** About as many characters as its line has. */
function sizeOf(told: Told): number {
  if (told.is !== "verdict") return 60;
  if ("problem" in told) return 40 + told.problem.message.length + (told.problem.hints[0]?.length ?? 0);
  return 60 + (told.values ? JSON.stringify(told.values).length : 0);
}
