-- What stands in angle brackets or after an ampersand is text like any other: it is found
-- and shown.
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) VALUES ('brackets', 'ask <bob> for x <y> z, a < b and c>d, <someone@example.org> <https://example.org/way?a=1&b=2> R&D; or <b>bold</b> <br/> &nbsp;end'),
	('<title>', ''), ('full width', '＜ｗｉｄｅ＞'), ('open', 'never closed <tag and more'), ('script', '<script>alert("x")</script>');
CREATE FUNCTION public.found(typed text) RETURNS text LANGUAGE sql AS 'SELECT string_agg(title, '','' ORDER BY title) FROM casnet.search_records(typed)';
SELECT is(found(typed), 'brackets', typed) FROM unnest(ARRAY['bob', '<bob>', 'y', '<y>', '"x y z"', 'a < b', '"a b"', '<b', 'c>d', 'd', 'someone@example.org', '<someone@example.org>', 'example.org/way?a=1', 'R&D', 'd;', '"r d or"', 'bold', '<b>bold</b>', 'br', 'nbsp', '&nbsp;end', 'end']) AS typed;
SELECT is(found('title'), '<title>', 'a title');
SELECT is(found('wide'), 'full width', 'brackets of full width');
SELECT is(found('tag more'), 'open', 'one that is not closed');
SELECT is(found('alert script'), 'script', 'a script');
SELECT alike(snippet, wanted, typed) FROM (VALUES ('bob', '%&lt;<b>bob</b>&gt; for x &lt;y&gt; z, a &lt; b%'), ('someone@example.org', '%&lt;<b>someone@example.org</b>&gt; %'), ('"r d"', '%<b>R</b>&amp;<b>D</b>; or &lt;b&gt;bold&lt;/b&gt;%'), ('bold', '%&lt;b&gt;<b>bold</b>&lt;/b&gt;%'), ('title', '&lt;<b>title</b>&gt;'), ('wide', '%<b>ｗｉｄｅ</b>%'), ('alert', '%<b>alert</b>("x")&lt;/script%')) AS v (typed, wanted), casnet.search_records(typed);
SELECT is(regexp_replace(snippet, '</?b>|&(lt|gt|amp);', '', 'g') ~ '[<>&]', false, 'nothing else is HTML: ' || typed) FROM unnest(ARRAY['bob', 'bold', 'end']) AS typed, casnet.search_records(typed);
SELECT * FROM finish();
ROLLBACK;
