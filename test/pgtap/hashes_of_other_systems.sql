-- Hashes that Django, passlib, Werkzeug, argon2-cffi and Dovecot made verify, and are
-- replaced at the first login.  So do those of a password's bytes as they are.
BEGIN;
SELECT plan(106);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
-- Made by the libraries themselves.  "By its format": by the function of OpenSSL, since
-- Django had none before 4.0 and Werkzeug none before 2.3.
CREATE TABLE public.other AS SELECT row_number() OVER () AS n, v.* FROM (VALUES
	('correct horse', 'Django pbkdf2_sha256', 'pbkdf2_sha256$1000$saltofdjango$GXsAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4='),
	('correct horse', 'Django pbkdf2_sha1', 'pbkdf2_sha1$1000$saltofdjango$rxlufhqSMz7CPl/F5YNuGt5+SU4='),
	('correct horse', 'Django argon2', 'argon2$argon2id$v=19$m=64,t=1,p=2$c2FsdG9mZGphbmdv$RZwX6qkCX6GHxmSutwP7dw'),
	('correct horse', 'Django bcrypt_sha256', 'bcrypt_sha256$$2b$04$YQCER1bDY2G2BM0QaffA/umFok0EUZgVdwVakAJHV06RYCIRT9lCS'),
	('correct horse', 'Django bcrypt', 'bcrypt$$2b$04$pilkpWFkOH3kJs5jONmCK.NC/So.T3hv4ZJEDB9MFnahBSpl56dAa'),
	('correct horse', 'Django scrypt (by its format)', 'scrypt$1024$saltofdjango$8$1$d8xiH99as3cLJyu6TQVDbBds+7JA4CmlQM19TVtbWiNmAeU8uf8Ij2Vv0/lWtJVeZpsFcspdgjYwxUDFpa3nIw=='),
	('correct horse', 'passlib pbkdf2_sha1', '$pbkdf2$1000$mPMew5gTYuwdI.Tcu7c2xg$GM5Eh8tk4buFJjQd2jF8JPWgHnU'),
	('correct horse', 'passlib pbkdf2_sha256', '$pbkdf2-sha256$1000$F8IYY.ydc6713jtHCIGQsg$.aeaGkjD79mraB4Lggts./StneB.Yh9mCid6tZwuKdE'),
	('correct horse', 'passlib pbkdf2_sha512', '$pbkdf2-sha512$1000$g1BKSUlpDaG0Vqq1Vur9Hw$D5Rq7SxGdC02SyEqrLfFIwk3B.K9U7xkFWf1b1XWqqgcuKtBVQjZDXJ2zEYl8LZbU1Bhpb/69QXQEg6iNIzNqg'),
	('correct horse', 'passlib scrypt', '$scrypt$ln=4,r=8,p=2$OwfgfM9Zq7V2zvmfM2ZMyQ$NRb22htlKnCJwQ0JVPuED6GZY55ucV1+Zi51zncp6Ao'),
	('correct horse', 'passlib bcrypt_sha256', '$bcrypt-sha256$v=2,t=2b,r=4$28GUqWyIRrPUVufmPGTq5.$fLeYU51cLUcKy2xPqjLelN8jMpY15oC'),
	('correct horse', 'passlib sha512_crypt', '$6$rounds=1000$BDeUCnILi8lBiand$Oe4Nh6aTS16Gu64ALKKZbJUog/yudynEitH/0FNgVeArCJLsjQNqnnsyxBGGmWgBKumPCVPJjZ4LIQHOyzV7L/'),
	('correct horse', 'passlib argon2', '$argon2id$v=19$m=64,t=1,p=4$eI8xRiglpFRKac05Z+xdyw$L6zQpuq4RMgulK7wOUfAGw'),
	('correct horse', 'argon2-cffi', '$argon2id$v=19$m=64,t=1,p=4$bLLgYudXF1pCoB1U2Z5Ugg$tLJlEvQOzHq16UJ/Y5XQiQ'),
	('correct horse', 'argon2i', '$argon2i$v=19$m=64,t=1,p=1$Rfl2N6auZdJVFsE2CBChDw$W+JoK6ph0Z6tCvW61UjCXQ'),
	('correct horse', 'Werkzeug pbkdf2', 'pbkdf2:sha256:1000$nKyKir5pnFchMI7q$11bd5da9c917f472004128e80a0b70b0891aa53d4590ffe25af04f453bd8009f'),
	('correct horse', 'Werkzeug pbkdf2 sha512', 'pbkdf2:sha512:1000$4ARIpCILukNUnunH$fa39534b79f25adacae15f119f71d43430700989156fa616b7d7c4f39412552fcfa02bb70cd760d69c81a3accc77ee81c99128031086eea8082aba3a106fd9e4'),
	('correct horse', 'Werkzeug scrypt (by its format)', 'scrypt:1024:8:1$saltofwz$68431eedc7026a826a28cc2f7d84a850a5d2e6b3b896e1056c0245c4f5bf5b10c669a105617a92672ccbbbdeac3b1096d0a3f0ac709028d24eae5aa8e56dea7b'),
	('correct horse', 'Dovecot', '{BLF-CRYPT}$2y$04$v7kIhrWedGjvSIp7JgKlfOZ/Qv5RzVmy1XcI/xePYg0gdvd4aMvae'),
	('Größe² ﬁx…', 'Django pbkdf2_sha256', 'pbkdf2_sha256$1000$saltofdjango$KKdXXQVrUZcK/pcYOj2SawGaOb0BX2vmaLgnmZMrDzM='),
	('Größe² ﬁx…', 'Django pbkdf2_sha1', 'pbkdf2_sha1$1000$saltofdjango$DB/pYK4t4dg7Ac5D85cHVQU5LIE='),
	('Größe² ﬁx…', 'Django argon2', 'argon2$argon2id$v=19$m=64,t=1,p=2$c2FsdG9mZGphbmdv$AslJWuztLe+TQrifOw8EnA'),
	('Größe² ﬁx…', 'Django bcrypt_sha256', 'bcrypt_sha256$$2b$04$qPRe3bAE7ZHDVJRS8WZl..a/tABSsXsWeg71b.q1nHqzLMsZ0OXoO'),
	('Größe² ﬁx…', 'Django bcrypt', 'bcrypt$$2b$04$KLm/ompIVVhdwJKBpIQ8ju53zdFHk.P6um8RqzUsv2ZYP7rTNMhTa'),
	('Größe² ﬁx…', 'Django scrypt (by its format)', 'scrypt$1024$saltofdjango$8$1$0TayFdh5MNEdhfmog5jOKzal3BhxwB3uxImmwgDUPyvMa2qyl1kjXN3VaSNWn5EFkWctdwl9Z7sDHxEeBReL9g=='),
	('Größe² ﬁx…', 'passlib pbkdf2_sha1', '$pbkdf2$1000$vvf.n3OOEeLc./8fg3CulQ$YY8S2m.rdZ6zEhlpmdiw0wObVPc'),
	('Größe² ﬁx…', 'passlib pbkdf2_sha256', '$pbkdf2-sha256$1000$JgQghHAuBUAIgXDufa91Lg$/odCXRuZftZbAcZkGkPI9HNXCMlB6X88vPd8s8JVOek'),
	('Größe² ﬁx…', 'passlib pbkdf2_sha512', '$pbkdf2-sha512$1000$QyjFuDeGkBKCMEaotTamVA$hBKQYLCXSLxZJeXKzmvxQAYbxo4F532aHCrzdJnzh5ma1nA.Pea2I3JNCqnG5h65xb5X/k6QiMW8izgLsPboLQ'),
	('Größe² ﬁx…', 'passlib scrypt', '$scrypt$ln=4,r=8,p=2$K6WUco7xXmuNca7VujdmjA$P435XUIj72tFEX058rE0jORG8S2+84VwTOuaz8/sTx4'),
	('Größe² ﬁx…', 'passlib bcrypt_sha256', '$bcrypt-sha256$v=2,t=2b,r=4$MWL4pqEcy.rV/.G62U882e$/DzEFT19Cqmp72vFc5mFpVm4An9Ftre'),
	('Größe² ﬁx…', 'passlib sha512_crypt', '$6$rounds=1000$HvPzFBkQGRAyEWBW$IzmvJGrRC4H3p6ZlX3MFYtF6PDudFdNu1RRJ62H4jcm5fGO.PKAbicMDIaoL5DYVX1hGVc/BTnQPwFH1dtGuW1'),
	('Größe² ﬁx…', 'passlib argon2', '$argon2id$v=19$m=64,t=1,p=4$pnTu3RtDKMX4f69VSsm5Fw$3SLPSXcpJYQodXhLTF7vEA'),
	('Größe² ﬁx…', 'argon2-cffi', '$argon2id$v=19$m=64,t=1,p=4$sqMkll911KkEPfY2JkxqDA$wVFFwMXdr+Xse62psOG95g'),
	('Größe² ﬁx…', 'argon2i', '$argon2i$v=19$m=64,t=1,p=1$a6TMElYcA33ApWlDtrwYqA$/osBXN5jrPmDhe0XcEmANA'),
	('Größe² ﬁx…', 'Werkzeug pbkdf2', 'pbkdf2:sha256:1000$l3rDAc0cV1U4yvil$b474f36f274343391cf4c776381cb21c2f217b9f97c0b35cb9e679f1a88a8987'),
	('Größe² ﬁx…', 'Werkzeug pbkdf2 sha512', 'pbkdf2:sha512:1000$KeERb6ZL7F4HCB7Z$ae5a4a7ed5e0df75f437cffe2e29741b3bca21e7cff3a541a1e904d0c0444b7d852e17792d4a8169523d4440df1c5e39924df3c6932c3dcba1e49711769e7216'),
	('Größe² ﬁx…', 'Werkzeug scrypt (by its format)', 'scrypt:1024:8:1$saltofwz$4a73dcd6679bd3ead5ddb1a865d90ac5c18dfdd4853b15a2e76538858a93f64adfab5eeee77a0a4abe86bece95fddd1e4f6349e0ca9e4356e76cdbd0fcb397a8'),
	('Größe² ﬁx…', 'Dovecot', '{BLF-CRYPT}$2y$04$yczdCGYwhpRiYs/yjHWhy.ULS/9qCQPF86r1VGw5zyrgSTntocPk6'),
	('correct horse', 'Argon2 1.0', '$argon2id$v=16$m=64,t=1,p=2$c2FsdG9mYXJnb24yc2FsdA$wtwqAf5rOk52f7xWMPTF+KGnv/46Eg04w+3g54Vwkzc'),
	('correct horse', 'Argon2 1.0 without its version', '$argon2id$m=64,t=1,p=2$c2FsdG9mYXJnb24yc2FsdA$wtwqAf5rOk52f7xWMPTF+KGnv/46Eg04w+3g54Vwkzc'),
	('correct horse', 'bcrypt 2x', '$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'),
	('Größe² ﬁx…', 'crypt(3) of the bytes', '$y$j9T$saltsaltsalt$FFXWS9GcDHTXXTCuaYk/LvwlhspimOF7xVWyAjg94G4'),
	('Größe² ﬁx…', 'crypt(3) of the bytes, as cheap as it gets', '$y$j75$saltsaltsalt$lQwEg71enzTe1BOVTt5L6tbsxFYxoU.lcOG.PP1AFhA')) AS v (password, maker, hash);
GRANT SELECT ON public.other TO PUBLIC;
INSERT INTO casnet.users (username, email, hashed_password)
SELECT 'other ' || n, n || '@other.test', hash FROM other;
CREATE FUNCTION pg_temp.stored(name text) RETURNS text LANGUAGE sql AS $$
	SELECT h.hash FROM casnet_internal.password_hashes AS h JOIN casnet.users AS u ON u.id = h.user_id WHERE u.username = name
$$;
SELECT is(pg_temp.stored('other ' || n), v.form, 'is kept without what repeats its scheme: ' || o.maker)
  FROM other AS o CROSS JOIN LATERAL (SELECT CASE o.maker WHEN 'Django argon2' THEN substr(hash, 7)
	WHEN 'Django bcrypt' THEN substr(hash, 8) WHEN 'Dovecot' THEN substr(hash, 12) ELSE hash END AS form) AS v
 WHERE password = 'correct horse' AND maker IN ('Django argon2', 'Django bcrypt', 'Dovecot', 'Werkzeug pbkdf2', 'passlib scrypt');

SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('other ' || n, password), NULL, 'login: ' || maker || ' of ' || password) FROM other;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM other WHERE pg_temp.stored('other ' || n) LIKE '$y$j9T$%'), (SELECT count(*) FROM other), 'all were replaced');
-- Also the one that differed from a new one in its password's form only.
SELECT isnt(pg_temp.stored('other ' || n), hash, maker || ' was replaced') FROM other WHERE hash LIKE '$y$j9T$%';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('other ' || n, normalize(password, NFKC)), NULL, 'from then on, in another form: ' || maker) FROM other WHERE maker LIKE 'crypt(3) of the bytes' || '%';
RESET SESSION AUTHORIZATION;

\ir include/verifies.sql
SELECT ok(NOT pg_temp.verifies('Correct horse', hash), 'a wrong password: ' || maker) FROM other
 WHERE password = 'correct horse' AND maker IN ('Django pbkdf2_sha256', 'passlib pbkdf2_sha512', 'Werkzeug pbkdf2', 'passlib scrypt',
	'argon2-cffi', 'Django bcrypt_sha256', 'passlib bcrypt_sha256');
-- Bytes that differ are another password, though both have one normalized form.
SELECT ok(NOT pg_temp.verifies('Größe² fix…', hash), 'other bytes: ' || maker) FROM other WHERE password LIKE 'Gr%' AND maker = 'Django pbkdf2_sha256';
-- Right, but each would take too long.
SELECT ok(NOT pg_temp.verifies('correct horse', hash), 'costs too much: ' || left(hash, 20)) FROM (VALUES
	('pbkdf2_sha256$5000001$saltofdjango$AQ/Jq8VV/mKdT2qDC5YHmiBnvoDWtFv6u6nmbKY1KB8='),
	('scrypt:524288:8:2$saltofwz$55d210890b35119c8573a21114e74619f7aed66e005283925484c74b2b6f8d0ffa622d68fc0e86e440abdf6bba8021fd0ee17a4994bef8b02071e1eb85bd0c8f'),
	('$argon2id$v=19$m=700000,t=3,p=1$c2FsdG9mYXJnb24yc2FsdA$LPoSw4GgOI3laWiMxWF8JCKlMwtzYfnydQmrirzACnw'),
	('bcrypt_sha256$$2b$16$abcdefghijklmnopqrstuujhQgUD95dTBqk15p3RjzdQgqI26VSpq')) AS v (hash);

-- What differs from a hash in one place is none, and plain text is none.
CREATE FUNCTION pg_temp.written(hash text) RETURNS text LANGUAGE sql AS $$
	SELECT left(public.error_of(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''nora''', hash)), 5)
$$;
SELECT is(pg_temp.written(o.hash || tail), 'none', 'white space at the end: ' || o.maker)
  FROM other AS o CROSS JOIN (VALUES (E'\n'), (E' \r\n')) AS v (tail) WHERE n IN (1, 5);
SELECT is(pg_temp.written(replace(o.hash, before, after)), '22023', format('%s: %s for %s', o.maker, after, before))
  FROM (VALUES
	('Django pbkdf2_sha256', '$1000$', '$01000$'),
	('Django pbkdf2_sha256', '$1000$', '$$'),
	('Django pbkdf2_sha256', '$1000$', '$1234567890$'),
	('Django pbkdf2_sha256', 'sha256', 'sha224'),
	('Django pbkdf2_sha256', 'saltofdjango', ''),
	('Django pbkdf2_sha256', '=', '=='),
	('Django pbkdf2_sha1', '=', 'AAAA='),
	('Django argon2', 'argon2$', 'argon2$$'),
	('Django argon2', 'argon2id', 'argon2d'),
	('Django argon2', 'v=19', 'v=20'),
	('Django argon2', 'm=64', 'm=15'),
	('Django argon2', 'p=2', 'p=65'),
	('Django argon2', 'p=2', 'p=2,keyid=AAAA'),
	('Django argon2', 'c2FsdG9mZGphbmdv', 'c2FsdA'),
	('Django scrypt (by its format)', '1024', '1000'),
	('Django scrypt (by its format)', '$8$', '$1025$'),
	('passlib scrypt', 'ln=4', 'ln=31'),
	('passlib scrypt', 'p=2', 'p=0'),
	('passlib bcrypt_sha256', 'v=2', 'v=1'),
	('passlib pbkdf2_sha256', '$pbkdf2-sha256', '$pbkdf2-sha257'),
	('Werkzeug pbkdf2', '7', 'G'),
	('Werkzeug scrypt (by its format)', '$saltofwz$', '$'),
	('Dovecot', '{BLF-CRYPT}', '{PLAIN}'),
	('Dovecot', '{BLF-CRYPT}', '{BLF-CRYPT}{CRYPT}'),
	('Dovecot', '$04$', '$32$'),
	('passlib sha512_crypt', 'rounds=1000', 'rounds=999'),
	('Werkzeug scrypt (by its format)', '1024:8:1', '65536:1:1'),
	('bcrypt 2x', '$2x$', '$2$'),
	('Django bcrypt_sha256', '$04$', '$4$')) AS v (maker, before, after)
  JOIN other AS o USING (maker) WHERE o.password = 'correct horse';
SELECT is(pg_temp.written(hash), '22023', 'is no hash: ' || hash) FROM unnest(ARRAY['{PLAIN}correct horse', 'md5$salt$0123456789abcdef0123456789abcdef',
	'unsalted$sha1$$0123456789', 'argon2', 'scrypt:1:1:1', '$argon2id$', '!pbkdf2_sha256$1000$salt$hash']) AS hash;

-- SHA-crypt takes time for each byte of the password in each round.
UPDATE casnet.users SET hashed_password = '$6$rounds=656000$saltsaltsaltsalt$' || repeat('x', 86) WHERE username = 'nora';
SELECT clock_timestamp() AS began \gset
SELECT ok(NOT pg_temp.verifies(repeat('a', 500), '$6$rounds=656000$saltsaltsaltsalt$' || repeat('x', 86)), 'a long password');
SELECT cmp_ok(clock_timestamp() - :'began', '<', interval '1.8 s', 'takes no longer than any other');

SELECT * FROM finish();
ROLLBACK;
