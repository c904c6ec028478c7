-- A key inserted without add_signing_key() verifies nothing unless it fits its algorithm.
-- An invalid one does no harm.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
-- An RSA key, made for this file and thrown away, and its signature with SHA-256.
\set der '30820122300d06092a864886f70d01010105000382010f003082010a0282010100da8a7c61a1705cf8eed51660108090ca7257fb5930cb99c8c3967e53d1d2a9095d777a546ff7af4c529631b38b34e1307f66d031d075b2d7ea921b290a32c77db2c3162f5af5481dc825c17d659afd387242b89fa4b4870b239718bc01728479988120e777976b41b0b11ab3a8e4830e5a6d2502af1dcf87da7f3ca7ecd167bc5e20cfdcf7b401e893f7803bb86ccf871e5d5607bd6ab1d3b0ed29308c7abe06028324ef95fd736371dca4b3ebae6ec73e3da87adc04702644f4b8fadea25dc23a37801907034a57e23509a89c539d4a6e8c40be5f7059565e6cac93c47908c2cf26b14f03c839db20a2360662bdcfd0e4e87ec9f04ab422ae2aa3611c34c1330203010001'
\set signed 'eyJhbGciOiJFZERTQSIsImtpZCI6Im1peGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMH0.g8-TNIgXPQl6zrK_MkeugenNv_NKmz1cbWMXQbvKnG4dhTF8gvaOQ_EuvFyvd-iWvompvVhzzLJbfSYcUrwzpj8cvIXZodMTDi7dhA5bmM-FT8rDeOhMcxlvBax_WzRWyqppt6bFYBlRJKhHADkk2C48Qow_SnxgNiJ7UTpRfi1dB6glXKrL6TvxZ_s-X89hBqO7nc96toB3ObdLGlBBHHFDUOzX_e3HRzk4WO_GExs6geen__6i-9Cjqf9l7oFPW3oMQACG1HIReP_c3_li2tWjOUsDGLlYm4VDgRD1nn9dwv2UVwiwQk-sBNx-4a0v-T6i3gzLgLUldHXKrIi0ig'
\set unsigned 'use 28000 The token''s signature is not one of its key.'
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('mixed', 'EdDSA', decode(:'der', 'hex')), ('none', 'EdDSA', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'signed'), :'unsigned', 'an RSA key under the name of EdDSA');
SELECT is(fate(raw_token('{"alg":"EdDSA","kid":"none"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}')), :'unsigned', 'bytes that are no key');
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.signing_keys SET algorithm = 'RS256' WHERE kid = 'none';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(raw_token('{"alg":"RS256","kid":"none"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}')), :'unsigned', 'nor under another name');
SELECT is(fate(token()), 'proves mia', 'and the session goes on');
SELECT * FROM finish();
ROLLBACK;
