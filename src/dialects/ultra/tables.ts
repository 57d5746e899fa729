import type { Table } from "../dialect.ts";

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

/** ultra-api's records. A campaign's contact is our member, a template our script or form. */
export const TABLES: readonly Table[] = [
  { name: "contact", singular: "contact", of: "contacts", columns: ["id"] },
  { name: "campaign", singular: "campaign", of: "campaigns", words: [...SCRIPT, ...FORM], columns: ["id"] },
  {
    name: "campaignContact",
    plural: "campaignContacts",
    singular: "campaign contact",
    of: "campaign_members",
    columns: ["id"],
  },
  { name: "scriptTemplate", plural: "scriptTemplates", singular: "script template", of: "scripts", columns: ["id"] },
  {
    name: "qualificationTemplate",
    plural: "qualificationTemplates",
    singular: "qualification template",
    of: "forms",
    columns: ["id"],
  },
  {
    name: "execution",
    singular: "execution",
    of: "executions",
    words: [...SCRIPT, ...MEMBER, { theirs: "scriptTemplateVersion", ours: "script_version" }],
    columns: ["id"],
  },
  {
    name: "qualification",
    singular: "qualification",
    of: "qualifications",
    words: [...FORM, ...MEMBER, { theirs: "qualificationTemplateVersion", ours: "form_version" }],
    columns: ["id"],
  },
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
