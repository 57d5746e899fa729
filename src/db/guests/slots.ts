import { Problem } from "../../kit/problem.ts";

/** How long a caller waits for others' queries. */
const WAIT_MS = 3_000;

/** A caller that waits for a slot. `go` gives it one. */
type Waiter = { owner: string; go: () => void };

/** Lets at most `most` run at once, and `ofOne` of one owner. The others wait for a moment, and are refused then. */
export function createSlots(most: number, ofOne: number) {
  const running = new Map<string, number>();
  let all = 0;
  let queue: Waiter[] = [];

  const free = (owner: string) => all < most && (running.get(owner) ?? 0) < ofOne;

  function enter(owner: string): () => void {
    all += 1;
    running.set(owner, (running.get(owner) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      all -= 1;
      const mine = running.get(owner)! - 1;
      if (mine === 0) running.delete(owner);
      else running.set(owner, mine);
      queue.find((waiter) => free(waiter.owner))?.go();
    };
  }

  return {
    /** Gives what lets the slot go. */
    async take(owner: string, signal: AbortSignal): Promise<() => void> {
      if (free(owner)) return enter(owner);
      return new Promise((resolve, reject) => {
        const leave = (error: Error) => {
          end();
          reject(error);
        };
        const gone = () => leave(new Error("the caller has gone"));
        const timer = setTimeout(() => leave(full(running.get(owner) ?? 0, ofOne)), WAIT_MS);
        const waiter = {
          owner,
          go() {
            end();
            resolve(enter(owner));
          },
        };
        function end(): void {
          clearTimeout(timer);
          signal.removeEventListener("abort", gone);
          queue = queue.filter((each) => each !== waiter);
        }
        signal.addEventListener("abort", gone, { once: true });
        queue.push(waiter);
      });
    },
  };
}

function full(mine: number, ofOne: number): Problem {
  const message = mine >= ofOne ? `${mine} queries of this workspace run already` : "as many queries run as there may at once";
  return new Problem("busy", message, "wait as Retry-After says, then repeat the request; lists are not affected", {
    headers: { "Retry-After": "5" },
  });
}
