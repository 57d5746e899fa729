import type { Parameters } from "../../derive/query.ts";
import type { Values } from "../dialect.ts";
import { Misfit } from "./fits.ts";
import { filtersOf } from "./query.ts";
import type { Work } from "./tool.ts";

/** Whom a tool is about, and who gets them. */

/** Which contacts are meant. Nothing at all is refused, unless `all` says so. */
export function whichContacts(work: Work, table: string, contactField: string): Parameters {
  const { contactIds, filter = {}, all } = work.input as { contactIds?: string[]; filter?: Values; all?: boolean };
  const { search, listId, importId, ...fields } = filter as Record<string, string>;
  const query: Parameters = [
    ...(contactIds ? [[contactField, `in:${contactIds.join(",")}`] as const] : []),
    ...filtersOf(work.words(table), fields),
    ...(search === undefined ? [] : [["search", search] as const]),
    ...(listId === undefined ? [] : [["list", listId] as const]),
    ...(importId === undefined ? [] : [["import", importId] as const]),
  ];
  if (query.length === 0 && all !== true)
    throw new Misfit("input.filter", "missing_field", "nothing says which contacts", [
      'send a filter, such as {"filter":{"stage":"lead"}}, or contactIds; or "all": true if every one is meant',
    ]);
  return query.length === 0 ? [["all", "true"]] : query;
}

/** Who gets them: one, or several in turn. */
export function dealt(assigneeEmails: readonly string[] | null | undefined): Values {
  if (assigneeEmails === undefined) return {};
  if (assigneeEmails === null) return { assignee: null };
  return { assignee: assigneeEmails.length === 1 ? assigneeEmails[0] : { evenly: assigneeEmails } };
}
