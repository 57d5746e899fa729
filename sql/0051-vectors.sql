-- The cosine of the angle between a stored vector, `[0.1,0.2]`, and one that is asked for. Neither is all zero, nor of another length.
create or replace function crm_cosine(stored text, asked real[]) returns double precision
  language sql immutable strict parallel safe cost 5000
return (select sum(s.v::double precision * s.a) / sqrt(sum(s.v::double precision * s.v) * sum(s.a::double precision * s.a))
  from unnest(translate(stored, '[]', '{}')::real[], asked) s (v, a));
