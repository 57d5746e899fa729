/** A command about a table of which Citus knows the shards. */
export type ShardCommand = { table: string; command: string };

const TUNING = /^alter table (\w+) alter column (\w+) set (\([^)]*\)|statistics -?\d+);$/gm;
const DROP = /^drop index ((?:if exists )?)([\w, ]+);$/gm;

const PART = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[\s\S]*?\$\1\$|;/g;

/** The statements of a text, each with the comments before it. */
export function statementsIn(text: string): string[] {
  const ends = [...text.matchAll(PART)].filter(([part]) => part === ";").map(({ index }) => index + 1);
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end).trim());
}

/**
 * A migration in the words that Citus takes, to be run one by one, for with an index that is made it sends the workers all that was sent with it: it drops one index at a time, and refuses to tune the columns of a spread table, which is done
 * on its shards. A table that the migration itself makes is not spread yet.
 */
export function forShards(text: string, spread: ReadonlySet<string>): { here: string[]; onShards: ShardCommand[] } {
  const onShards: ShardCommand[] = [];
  const here = text
    .replace(TUNING, (whole, table: string, column: string, value: string) => {
      if (!spread.has(table)) return whole;
      onShards.push({ table, command: `alter table %s alter column ${column} set ${value}` });
      return "";
    })
    .replace(DROP, (_, exists: string, names: string) =>
      names
        .split(",")
        .map((name) => `drop index ${exists}${name.trim()};`)
        .join("\n"),
    );
  return { here: statementsIn(here), onShards };
}
