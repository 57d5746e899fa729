import type { Session } from "../../db/people/sessions.ts";
import type { Allowance } from "../../db/people/tallies.ts";

/**
 * All limits on mails, guesses and registrations. A key names the subject of the limit and holds no text that callers choose
 * freely. Otherwise a new wording would start a new count.
 */

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Counts uses without a limit. */
const UNBOUNDED = 1_000_000;

/** How long a code and its guesses last. */
export const CODE_MS = 10 * MINUTE;

/** How long an address stays known after a sign-in. Later it may belong to somebody else. */
export const KNOWN_MS = 90 * 24 * HOUR;

type Caller = Pick<Session, "userId" | "workspaceId">;

export const ALLOWED = {
  /** Sign-in codes that one network address requests, for all mailboxes. */
  codesFrom: (address: string): Allowance => ({ key: `codes from ${address}`, most: 60, ms: HOUR }),
  /** Sign-in codes that one network address requests for one mailbox. */
  codesBetween: (email: string, address: string): Allowance => ({
    key: `codes to ${email} from ${address}`,
    most: 6,
    ms: HOUR,
  }),
  /** Sign-in codes to one mailbox from all addresses. Requests from the owner's known addresses count, but are not refused. */
  codesTo: (email: string, known: boolean): Allowance => ({
    key: `codes to ${email}`,
    most: known ? UNBOUNDED : 12,
    ms: HOUR,
  }),
  /** One more code when the limit is reached and no code works any more. So the owner can always get in. */
  furtherCode: (email: string): Allowance => ({ key: `further code to ${email}`, most: 1, ms: CODE_MS }),
  /** Repeats of one form with a right code. */
  formRepeats: (form: string): Allowance => ({ key: `form ${form}`, most: 50, ms: HOUR }),

  /** Codes for dangerous actions, and guesses since the newest code. All actions share the counts. */
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

  /** Invites that one person sends, in all workspaces. */
  invitesBy: ({ userId }: Caller): Allowance => ({ key: `invites by ${userId}`, most: 60, ms: HOUR }),
  /** Invite mails to one mailbox from all senders, and mails about one invite, even when it is withdrawn and made again. */
  inviteMailsTo: (email: string): Allowance => ({ key: `invites to ${email}`, most: 12, ms: HOUR }),
  inviteMails: (email: string, workspaceId: string): Allowance => ({
    key: `invite of ${email} to ${workspaceId}`,
    most: 1,
    ms: HOUR,
  }),

  /** OAuth clients that register. Local mode allows more, because local programs forget their registrations. */
  registrations: (address: string, mailed: boolean): Allowance => ({
    key: `registrations from ${address}`,
    most: mailed ? 20 : 600,
    ms: HOUR,
  }),

  /** Workspaces without an account, from one network address and from all. In local mode all callers are one. */
  unclaimedFrom: (address: string, mailed: boolean): Allowance => ({
    key: `unclaimed workspaces from ${address}`,
    most: mailed ? 10 : 600,
    ms: HOUR,
  }),
  unclaimedInAll: (mailed: boolean): Allowance => ({
    key: "unclaimed workspaces",
    most: mailed ? 1_000 : UNBOUNDED,
    ms: 24 * HOUR,
  }),
};
