import type { Table } from "../dialect.ts";

/** ultra-api's records. A campaign's contact is our member, a template our script or form. */
export const TABLES: readonly Table[] = [
  { name: "contact", singular: "contact", of: "contacts", columns: [] },
  { name: "campaign", singular: "campaign", of: "campaigns", columns: [] },
  { name: "campaignContact", singular: "campaign contact", of: "campaign_members", columns: [] },
];

/** The tool that lists the records of one of our kinds. */
export const LISTS: Readonly<Record<string, string>> = {
  contacts: "list_outbound_contacts",
  campaigns: "list_campaigns",
  campaign_members: "list_outbound_contacts",
  scripts: "list_script_templates",
  forms: "list_qualification_templates",
  qualifications: "list_qualifications",
  workspaces: "crm_resolve_workspace",
};
