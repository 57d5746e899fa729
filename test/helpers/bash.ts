import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { USER_AGENT } from "./curl.ts";

export const isInstalled = (program: string) =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));

export type Bash = {
  /** What each command prints, variables and functions kept from one call to the next. Refuses whatever reaches stderr. */
  run: (commands: readonly string[]) => Promise<string[]>;
  close: () => void;
};

/** Real bash and real curl, without the settings and proxies of whoever runs the tests. */
export function createBash(): Bash {
  const home = mkdtempSync(join(tmpdir(), "cardfile-bash-"));
  writeFileSync(join(home, ".curlrc"), `user-agent = "${USER_AGENT}"\n`);
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", CURL_HOME: home };
  let state = "";
  return {
    async run(commands) {
      // U+001E, the record separator, stands in no answer: lines escape it.
      const script = [
        state,
        ...commands.map((command) => `${command}\nprintf '\\036'`),
        "declare -p B ME T; declare -f crm",
        "",
      ];
      const options = { env, cwd: home };
      const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "--noprofile", "-c", script.join("\n")], options);
      if (stderr !== "") throw new Error(`bash says ${stderr}`);
      const answers = stdout.split("\x1e");
      state = answers.pop() ?? "";
      return answers;
    },
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}
