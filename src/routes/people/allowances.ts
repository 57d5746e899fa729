import type { Session } from "../../db/people/sessions.ts";
import type { Allowance } from "../../db/people/tallies.ts";

/**
 * All limits on mails, guesses and registrations. A key holds whom a limit is for, and nothing else that a caller may choose: a limit on
 * what callers word themselves would begin anew with every wording.
 */

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** For whom a limit is not: it counts for the others. */
const UNBOUNDED = 1_000_000;

/** A code, and what hangs on one, is good for so long. */
export const CODE_MS = 10 * MINUTE;

/** An address from which somebody signed in is theirs for so long, beyond which it may be somebody else's. */
export const KNOWN_MS = 90 * 24 * HOUR;

type Caller = Pick<Session, "userId" | "workspaceId">;

export const ALLOWED = {
  /** Sign-in codes for anybody that one network address asks for. */
  codesFrom: (address: string): Allowance => ({ key: `codes from ${address}`, most: 60, ms: HOUR }),
  /** Sign-in codes for one mailbox that one network address asks for. */
  codesBetween: (email: string, address: string): Allowance => ({
    key: `codes to ${email} from ${address}`,
    most: 6,
    ms: HOUR,
  }),
  /** Sign-in codes to one mailbox, whoever asks for them. Its owner's own addresses are counted, but not refused. */
  codesTo: (email: string, known: boolean): Allowance => ({
    key: `codes to ${email}`,
    most: known ? UNBOUNDED : 12,
    ms: HOUR,
  }),
  /** Beyond those, when none of them is good any more: so its owner still gets in. */
  furtherCode: (email: string): Allowance => ({ key: `further code to ${email}`, most: 1, ms: CODE_MS }),
  /** How often one form may come again with a code that was right. */
  formRepeats: (form: string): Allowance => ({ key: `form ${form}`, most: 50, ms: HOUR }),

  /** Codes for grave things, and guesses at them since the newest, whatever the thing. */
  stepUps: ({ userId, workspaceId }: Caller, mailed: boolean): Allowance => ({
    key: `step-ups of ${userId} in ${workspaceId}`,
    most: mailed ? 12 : UNBOUNDED,
    ms: HOUR,
  }),
  stepUpGuesses: ({ userId, workspaceId }: Caller): Allowance => ({
    key: `step-up guesses of ${userId} in ${workspaceId}`,
    most: 5,
    ms: CODE_MS,
  }),

  /** Invites that one person sends, wherever. */
  invitesBy: ({ userId }: Caller): Allowance => ({ key: `invites by ${userId}`, most: 60, ms: HOUR }),
  /** Mails about invites to one mailbox, whoever sends them, and about one invite, however often it is made anew. */
  inviteMailsTo: (email: string): Allowance => ({ key: `invites to ${email}`, most: 12, ms: HOUR }),
  inviteMails: (email: string, workspaceId: string): Allowance => ({
    key: `invite of ${email} to ${workspaceId}`,
    most: 1,
    ms: HOUR,
  }),

  /** Programs that introduce themselves. In local mode that is one machine's programs, which forget what they registered. */
  registrations: (address: string, mailed: boolean): Allowance => ({
    key: `registrations from ${address}`,
    most: mailed ? 20 : 600,
    ms: HOUR,
  }),
};
