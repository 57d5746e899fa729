-- Vectors are compared by the service, which reads them faster.
drop function crm_cosine(text, double precision[]);
