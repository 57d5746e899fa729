import { activity } from "./activity.ts";
import { company } from "./company.ts";
import { contact } from "./contact.ts";
import { deal } from "./deal.ts";
import { createDictionary } from "./define.ts";
import { task } from "./task.ts";

/** The kinds every workspace has. Links point to kinds of this list. */
export const catalog = createDictionary([contact, company, deal, activity, task]);
