-- The cosine of the angle between a stored vector, `[0.1,0.2]`, and one of length 1 that is asked for. Neither is all zero, nor of another length.
-- `translate` would take as long as all the rest.
create or replace function crm_cosine(stored text, asked double precision[]) returns double precision
  language sql immutable strict parallel safe cost 5000
return (select sum(s.v * s.a) / sqrt(sum(s.v * s.v))
  from unnest(replace(replace(stored, '[', '{'), ']', '}')::double precision[], asked) s (v, a));
