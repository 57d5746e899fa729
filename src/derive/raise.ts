/**
 * Refuses what no constraint of a table holds, under the name of one. The message tells it too: from another server of a spread database nothing
 * else arrives. `detail` is SQL that tells what the refusal is to say.
 */
export const raiseSql = (condition: string, constraint: string, detail?: string): string =>
  `raise ${condition} using constraint = '${constraint}', message = 'refused by constraint "${constraint}"'${detail === undefined ? "" : `, detail = ${detail}`}`;
