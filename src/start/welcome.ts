import type { Config } from "../service/config.ts";

/** The text after a start: commands to paste. */
export function welcome(baseUrl: string, { sendmail }: Config): string {
  const code = sendmail ? "<the code from your mail>" : `$(curl -s $B/auth/request -d email=$ME | sed -n 's/^code=//p')`;
  const ask = sendmail ? "curl -s $B/auth/request -d email=$ME\n  " : "";
  return `
Cardfile answers at ${baseUrl}. In another shell:

  B=${baseUrl} ME=you@example.com
  ${ask}T=$(curl -s $B/auth/verify -d email=$ME -d code=${code} -d token_name=shell | sed -n 's/^token=//p')
  crm() { curl -sS -H "Authorization: Bearer $T" "$B$@"; }

  crm /contacts -d name='Jane Doe' -d email=jane@acme.com -d follow_up_at=today
  crm /reminders
  crm /help

Ctrl-C stops it; the data stays.
`;
}
