import { currency } from "../fields/vocabulary.ts";

/** The setting of the workspace for money whose currency nobody said. */
export const CURRENCY_SETTING = "currency";
export const CURRENCY_ABOUT = "ISO 4217 code; the workspace's unless sent";

export const workspaceCurrency = currency({ about: CURRENCY_ABOUT, setting: CURRENCY_SETTING });
