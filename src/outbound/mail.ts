import { spawn } from "node:child_process";
import { headerMailbox, headerText } from "../kit/header.ts";
import { Problem } from "../kit/problem.ts";

export type Mail = { to: string; subject: string; text: string };

const SECONDS = 30;

/** Passes a mail to a sendmail-compatible command (`msmtp -t`), which reads the recipients from the header. */
export function createMailer(command: string, from: string, now: () => number): (mail: Mail) => Promise<void> {
  const [program = "", ...words] = command.split(/\s+/).filter((word) => word !== "");
  return (mail) =>
    new Promise((resolve, reject) => {
      const failed = (why: string) =>
        reject(
          new Problem("not_ready", "the mail could not be sent", "try again in a minute", {
            headers: { "Retry-After": "60" },
            cause: new Error(why),
          }),
        );
      const child = spawn(program, words, { stdio: ["pipe", "ignore", "pipe"], timeout: SECONDS * 1000 });
      let complaint = "";
      child.stderr.on("data", (chunk: Buffer) => {
        complaint = (complaint + chunk).slice(-500);
      });
      child.on("error", (error) => failed(error.message));
      child.on("close", (code, signal) =>
        code === 0 ? resolve() : failed(`${program}: ${signal ?? `exit ${code}`} ${complaint}`),
      );
      child.stdin.on("error", () => {});
      child.stdin.end(message(mail, from, now()));
    });
}

/** Formats a mail: RFC 5322, plain text. Each header value is made one line, so no value can inject a header. */
function message({ to, subject, text }: Mail, from: string, at: number): string {
  return [
    `From: ${headerMailbox(from)}`,
    `To: ${headerMailbox(to)}`,
    `Subject: ${headerText(subject)}`,
    `Date: ${new Date(at).toUTCString().replace("GMT", "+0000")}`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    text,
  ].join("\r\n");
}
