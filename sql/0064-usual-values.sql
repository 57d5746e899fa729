-- A write of own fields names under `=usual` what the record gets where it has no value after it: money its currency.
create or replace function crm_own(former jsonb, sent jsonb, whole boolean) returns jsonb
  language plpgsql immutable parallel safe as $$
declare
  own jsonb := coalesce(former, '{}');
  slot text;
  value jsonb;
begin
  for slot, value in select * from jsonb_each(sent - '=usual') loop
    if not whole and slot ^@ 'g' and jsonb_typeof(value) = 'object' then
      value := (select jsonb_agg(i.item order by i.place) from (
        select item, min(place) as place from (
          select item, place from jsonb_array_elements_text(coalesce(own -> slot, '[]')) with ordinality a (item, place)
          union all select item, 1000 + place from jsonb_array_elements_text(value -> 'add') with ordinality a (item, place)) u
        where not value -> 'remove' ? item group by item) i);
      if jsonb_array_length(value) > 100 then
        raise check_violation using constraint = 'own_list_fits', message = 'refused by constraint "own_list_fits"';
      end if;
    elsif not whole and slot ^@ 'j' and jsonb_typeof(value) = 'object' then
      value := (coalesce(own -> slot, '{}') || value) - array(select m.key from jsonb_each(value) m where m.value = 'null');
      if not crm_custom_fits(value) then
        raise check_violation using constraint = 'own_members_fit', message = 'refused by constraint "own_members_fit"';
      end if;
    end if;
    if value is null or value in ('null', '[]') or slot ^@ 'j' and value = '{}' then
      own := own - slot;
    else
      own := own || jsonb_build_object(slot, value);
    end if;
  end loop;
  own := coalesce(sent -> '=usual', '{}') || own;
  return nullif(own, '{}');
end $$;
