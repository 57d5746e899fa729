import { Problem } from "../kit/problem.ts";

/** A rate limit: `quota` requests in a window of `seconds`, which begins with the first request. */
export type Policy = { quota: number; seconds: number };

export type Limiter = {
  /** Counts a request of `key`. `epochReset`: X-RateLimit-Reset is a time. Returns the rate limit headers as name, value, name, value, or throws `rate_limited`. */
  take: (key: string, now: number, epochReset?: boolean) => string[];
  /** Adds requests that another process has counted. */
  add: (key: string, count: number, now: number) => void;
};

type Window = { used: number; ends: number };

/** The most windows kept. Beyond it the oldest windows are dropped, and their callers start anew. */
const MOST_KEYS = 50_000;

/**
 * Counts requests in this process and reports each to `onTake`, so that other processes can add it. The headers follow
 * draft-ietf-httpapi-ratelimit-headers-11. Older clients get X-RateLimit-*, whose reset is in seconds from now.
 */
export function createLimiter({ quota, seconds }: Policy, onTake?: (key: string) => void): Limiter {
  const windows = new Map<string, Window>();
  const policy = `"default";q=${quota};w=${seconds}`;

  function count(key: string, more: number, now: number): Window {
    let window = windows.get(key);
    if (!window || window.ends <= now) {
      windows.delete(key);
      window = { used: 0, ends: now + seconds * 1000 };
      windows.set(key, window);
      if (windows.size > MOST_KEYS) windows.delete(windows.keys().next().value!);
    }
    window.used += more;
    return window;
  }

  return {
    take(key, now, epochReset = false) {
      const window = count(key, 1, now);
      onTake?.(key);
      const remaining = Math.max(0, quota - window.used);
      const reset = String(Math.ceil((window.ends - now) / 1000));
      // biome-ignore format: pairs
      const headers = [
        "RateLimit-Policy", policy,
        "RateLimit", `"default";r=${remaining};t=${reset}`,
        "X-RateLimit-Limit", String(quota),
        "X-RateLimit-Remaining", String(remaining),
        "X-RateLimit-Reset", epochReset ? String(Math.ceil(window.ends / 1000)) : reset,
      ];
      if (window.used <= quota) return headers;
      throw new Problem("rate_limited", `more than ${quota} requests in ${seconds} seconds`, `wait ${reset} seconds`, {
        headers: { ...byName(headers), "Retry-After": reset },
      });
    },
    add: (key, more, now) => void count(key, more, now),
  };
}

function byName(list: readonly string[]): Record<string, string> {
  const pairs: [string, string][] = [];
  for (let i = 0; i < list.length; i += 2) pairs.push([list[i]!, list[i + 1]!]);
  return Object.fromEntries(pairs);
}
