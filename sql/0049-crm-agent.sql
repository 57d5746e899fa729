-- A workspace can switch off the tools at /crm/agent: false does, no value leaves them on.
alter table workspaces add column crm_agent boolean;
