import { type Parameters, readLimit } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { at } from "./lists.ts";
import { MOST } from "./query.ts";
import { query } from "./sql.ts";

export const MEMBER_PARAMETERS = ["list_id", "member_id", "limit", "cursor"];

/** Which records were put on which lists, as the table tells them to a query. */
export async function listMembers(call: Call): Promise<Said> {
  const once = (name: string) => call.parameters.findLast(([each]) => each === name)?.[1] || undefined;
  const limit = readLimit(once("limit"), MOST);
  const asked = ["list_id", "member_id"].flatMap((name): { name: string; ids: string[] }[] => {
    const value = once(name);
    return value === undefined ? [] : [{ name, ids: value.split(",") }];
  });
  const where = asked.map(({ name }, i) => `${name} = any ($${i + 2}::text[])`);
  const sql = `select * from list_members where id > $1::text${where.map((each) => ` and ${each}`).join("")} order by id`;
  const params = [once("cursor") ?? "", ...asked.map(({ ids }) => ids)];
  const parameters: Parameters = [["limit", String(limit + 1)]];
  const said = await query({ ...call, body: { sql, params }, parameters });
  const rows = said.is === "one" ? (said.row as { rows: Values[] }).rows : [];
  const some = rows.slice(0, limit);
  return { is: "many", rows: some, page: { limit, next: rows.length > limit ? String(some.at(-1)!.id) : null } };
}

export async function addMember(call: Call): Promise<Said> {
  const { member_id, member_ids } = call.body;
  const members = member_ids ?? (member_id === undefined ? undefined : [member_id]);
  if (members === undefined) throw new Problem("missing_field", "member_id is missing", '{"member_id":"c_…"}');
  const { json } = await call.ask("POST", at(call, "/members"), { members });
  return {
    is: "one",
    status: 201,
    row: { list_id: call.path.id, member_id: member_id ?? null, member_ids: members, added: json.added },
  };
}

export async function removeMember(call: Call): Promise<Said> {
  const { id, member } = call.path;
  await call.ask("DELETE", at(call, `/members/${encodeURIComponent(member!)}`));
  return { is: "one", row: { list_id: id, member_id: member, deleted: true } };
}
