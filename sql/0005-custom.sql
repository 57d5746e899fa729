-- A record's own fields are merged with every PATCH, so how many they are and how large is held where they come together. `not valid`:
-- records that are there already are not read through, and are held to it when they next change.
create function crm_custom_fits(custom jsonb) returns boolean
  language sql immutable strict parallel safe
  return (select count(*) <= 200 from jsonb_object_keys(custom)) and length(custom::text) <= 1048576;

alter table companies add constraint companies_custom_fits check (crm_custom_fits(custom)) not valid;
alter table contacts add constraint contacts_custom_fits check (crm_custom_fits(custom)) not valid;
alter table deals add constraint deals_custom_fits check (crm_custom_fits(custom)) not valid;
alter table activities add constraint activities_custom_fits check (crm_custom_fits(custom)) not valid;
alter table tasks add constraint tasks_custom_fits check (crm_custom_fits(custom)) not valid;
