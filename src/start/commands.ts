import { createPersonWithToken, listUsers, revokeAllTokens } from "../db/people/commandLine.ts";
import { isEmail, readEmail } from "../fields/text.ts";
import { createIds } from "../kit/id.ts";
import { formatLine } from "../kit/line.ts";
import { createRandom } from "../kit/random.ts";
import { createSeal } from "../kit/seal.ts";
import { StartError } from "../kit/startError.ts";
import { collapsed } from "../kit/text.ts";
import type { Pool } from "../postgres/pool.ts";
import { newToken } from "../routes/people/tokens.ts";
import type { Config } from "../service/config.ts";
import { readSecret } from "./storage.ts";

export const COMMANDS = `user list                     everybody who ever signed in
       user revoke <email>           ends all tokens of a person
       token create <email> [name]   a token without a mailed code, for whoever owns the machine`;

/** Runs a command of the machine's owner, without the HTTP interface. Returns the lines to print. */
export async function runCommand(words: readonly string[], config: Config, pool: Pool): Promise<string[]> {
  const [noun, verb, who, ...rest] = words;
  const email = readEmail(who ?? "");
  if (noun === "user" && verb === "list" && who === undefined)
    return (await listUsers(pool)).map(({ handle, ...facts }) => formatLine(handle, Object.entries(facts)));
  if (!isEmail(email)) throw new StartError(`usage: ${COMMANDS}`);
  if (noun === "user" && verb === "revoke" && rest.length === 0) {
    return [
      `OK ended ${await revokeAllTokens(pool, email, Date.now())} tokens of ${email}; running servers notice within seconds`,
    ];
  }
  if (noun !== "token" || verb !== "create" || rest.length > 1) throw new StartError(`usage: ${COMMANDS}`);
  const random = createRandom();
  const ids = createIds(Date.now, random);
  const { secret, ...token } = newToken(
    { ids, random, seal: createSeal(readSecret(config)) },
    collapsed(rest[0] ?? "") || "command line",
  );
  await createPersonWithToken(pool, email, ids, token, Date.now());
  return [`token=${secret}`];
}
