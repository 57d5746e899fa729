/** What a workspace may declare at most. */
export const MOST_KINDS = 500;
export const MOST_FIELDS = 200;
