import type { Kind } from "../records/kind.ts";

/** What can happen to a record, as webhooks call it: the actions of the history, and `merged` where a record became part of another. */
export const HAPPENINGS = ["created", "updated", "deleted", "restored", "merged", "purged"] as const;

/** Sent by hand, to try a webhook. */
export const TEST_EVENT = "webhook.test";

const ANY = "*";

/** `contact.created`, `contact.*`, `*.deleted` and `*` in the form in which they are kept; undefined for what names no event of these kinds. */
export function readEvent(text: string, kinds: readonly Kind[]): string | undefined {
  const written = text.trim().toLowerCase();
  if (written === ANY) return ANY;
  const [of = "", happening = "", ...rest] = written.split(".");
  const kind = kinds.find(({ name, plural }) => of === name || of === plural)?.name ?? (of === ANY ? ANY : undefined);
  const known = happening === ANY || (HAPPENINGS as readonly string[]).includes(happening);
  if (kind === undefined || !known || rest.length > 0) return undefined;
  return kind === ANY && happening === ANY ? ANY : `${kind}.${happening}`;
}

/** Every event of these kinds by name. */
export const eventNames = (kinds: readonly Kind[]): string[] =>
  kinds.flatMap(({ name }) => HAPPENINGS.map((happening) => `${name}.${happening}`));

/** The kinds that these events are about, of those that may be read. */
export function kindsOfEvents(events: readonly string[], readable: readonly Kind[]): Kind[] {
  const named = events.map((event) => event.split(".")[0]!);
  return named.includes(ANY) ? [...readable] : readable.filter(({ name }) => named.includes(name));
}

/**
 * Under which name a webhook is told of a change; undefined when it does not ask for it. A record that became part of another is deleted too, for
 * those who ask for deletions and not for mergers.
 */
export function eventOf(events: readonly string[], kind: string, action: string, isMerged: boolean): string | undefined {
  const asks = (happening: string) =>
    [ANY, `${kind}.${happening}`, `${kind}.${ANY}`, `${ANY}.${happening}`].some((each) => events.includes(each));
  const names = isMerged ? ["merged", action] : [action];
  const found = names.find(asks);
  return found && `${kind}.${found}`;
}
