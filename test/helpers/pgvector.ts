import postgres from "postgres";
import { NODES } from "./citus.ts";
import { connectionTo } from "./postgres.ts";

/** Why tests of pgvector's index are skipped: the bundled PostgreSQL has none. Run them with PG_BIN=…, a PostgreSQL that has pgvector 0.8. */
export const noPgvector: false | string = await (async () => {
  if (NODES.length > 0) return "there is no index of vectors where the database is spread";
  const sql = postgres({ ...connectionTo(process.env["CARDFILE_TEST_PG"]!, "postgres"), max: 1, fetch_types: false });
  const [found] =
    await sql`select from pg_available_extensions where name = 'vector' and string_to_array(default_version, '.')::int[] >= '{0,8}'`;
  await sql.end();
  return found ? false : "this PostgreSQL has no pgvector";
})();
