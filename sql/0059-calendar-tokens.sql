-- A calendar ends with the token that it was made with, so that whoever had a token for a while keeps no address. Those from before have none.
alter table calendars add column token_id text;
