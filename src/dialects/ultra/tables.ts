import type { Table } from "../dialect.ts";

/** ultra-api's records. A campaign's contact is our member, a template our script or form. */
const SCRIPT = [
  { theirs: "scriptTemplateId", ours: "script_id" },
  { theirs: "scriptTemplate", ours: "script" },
];
const FORM = [
  { theirs: "qualificationTemplateId", ours: "form_id" },
  { theirs: "qualificationTemplate", ours: "form" },
];
const MEMBER = [
  { theirs: "campaignContactId", ours: "member_id" },
  { theirs: "campaignContact", ours: "member" },
];

export const TABLES: readonly Table[] = [
  { name: "contact", singular: "contact", of: "contacts", columns: [] },
  { name: "campaign", singular: "campaign", of: "campaigns", words: [...SCRIPT, ...FORM], columns: [] },
  { name: "campaignContact", singular: "campaign contact", of: "campaign_members", columns: [] },
  { name: "scriptTemplate", singular: "script template", of: "scripts", columns: [] },
  { name: "qualificationTemplate", singular: "qualification template", of: "forms", columns: [] },
  { name: "execution", singular: "execution", of: "executions", words: [...SCRIPT, ...MEMBER], columns: [] },
  { name: "qualification", singular: "qualification", of: "qualifications", words: [...FORM, ...MEMBER], columns: [] },
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
