-- A code with letters beyond ASCII is kept in capitals from here on, so that it is one in any letter case as others are (src/fields/code.ts). Rows
-- that are here already take that form, without a new version. Where two living ones would become one, the first keeps it and the others stay.
update products r set sku = each.form from (
  select workspace_id, id, form, deleted_at,
    row_number() over (partition by workspace_id, form, deleted_at is null order by sku = form desc, created_at, id) as place
    from (select *, upper(replace(replace(sku, 'ß', 'SS'), 'ẞ', 'SS') collate "default") as form from products where sku ~ E'[^\x01-\x7f]') p) each
  where r.workspace_id = each.workspace_id and r.id = each.id and r.sku <> each.form and (each.deleted_at is not null or each.place = 1);
update services r set sku = each.form from (
  select workspace_id, id, form, deleted_at,
    row_number() over (partition by workspace_id, form, deleted_at is null order by sku = form desc, created_at, id) as place
    from (select *, upper(replace(replace(sku, 'ß', 'SS'), 'ẞ', 'SS') collate "default") as form from services where sku ~ E'[^\x01-\x7f]') p) each
  where r.workspace_id = each.workspace_id and r.id = each.id and r.sku <> each.form and (each.deleted_at is not null or each.place = 1);
-- Of kinds of a workspace's own, the keys that are text: others are in a form of their own.
update own_records r set own = jsonb_set(r.own, '{k0}', to_jsonb(each.form)) from (
  select p.workspace_id, p.id, p.own ->> 'k0' as code, p.form, p.deleted_at,
    row_number() over (partition by p.workspace_id, p.kind, p.form, p.deleted_at is null order by p.own ->> 'k0' = p.form desc, p.created_at, p.id) as place
    from (select *, upper(replace(replace(own ->> 'k0', 'ß', 'SS'), 'ẞ', 'SS') collate "default") as form from own_records where own ->> 'k0' ~ E'[^\x01-\x7f]') p
    join kinds k on k.workspace_id = p.workspace_id and k.name = p.kind
      and k.declaration @> '{"natural_key":"k0","fields":[{"column":"k0","type":"text"}]}') each
  where r.workspace_id = each.workspace_id and r.id = each.id and each.code <> each.form and (each.deleted_at is not null or each.place = 1);
