import { z } from "zod";
import { textType } from "./text.ts";
import type { FieldType } from "./type.ts";

const MOST = 500;

const readUrl = (text: string) => {
  const trimmed = text.trim();
  return /^[\w-]+(\.[\w-]+)+([/?#]|$)/.test(trimmed) ? `https://${trimmed}` : trimmed;
};

function isUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s\p{Cc}\p{Surrogate}]+$/iu.test(text) || !URL.canParse(text)) return false;
  return new URL(text).hostname !== "";
}

/** A web address, kept as it was written; `https://` is put before a bare host. */
export const urlType: FieldType = {
  ...textType(MOST, "a web address such as https://acme.com/team"),
  name: "url",
  schema: z.string().max(MOST).refine(isUrl),
  fromText: readUrl,
};
