import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secrets } from '../../../shared/core/secrets.ts';

const SCHEMA = {
  properties: {
    access_key: { airbyte_secret: true },
    plain: {},
    nested: { properties: { token: { airbyte_secret: true } } },
    choice: { oneOf: [{ properties: { password: { airbyte_secret: true } } }, { properties: {} }] },
    list: { items: { airbyte_secret: true } },
  },
};

function masked(config: unknown, text: string): string {
  const secrets = new Secrets();
  secrets.learn(config, SCHEMA);
  return secrets.mask(text);
}

describe('a secret', () => {
  const key = 'prod:happy-otter-123|abc+/def==';
  test.each([
    ['as it is', key],
    ['its secret part alone', 'abc+/def=='],
    ['URL-encoded', encodeURIComponent(key)],
    ['in base64', Buffer.from(key).toString('base64')],
    ['in base64 without padding', Buffer.from(key).toString('base64').replace(/=+$/, '')],
    ['in base64url', Buffer.from(key).toString('base64url')],
    ['its part in base64', Buffer.from('abc+/def==').toString('base64')],
    ['in a header', `Convex ${key}`],
  ])('%s is masked', (_form, text) => {
    const said = masked({ access_key: key }, `before ${text} after`);
    expect(said).toMatch(/^before (Convex )?(\*\*\*\*)+ after$/);
  });

  test('is found wherever the schema marks it, and nothing else is', () => {
    const config = {
      access_key: 'secret-one',
      plain: 'not-a-secret',
      nested: { token: 'secret-two' },
      choice: { password: 'secret-three' },
      list: ['secret-four'],
    };
    const text = 'secret-one secret-two secret-three secret-four not-a-secret';
    expect(masked(config, text)).toBe('**** **** **** **** not-a-secret');
  });

  test.each([undefined, null, 5, [], 'text', { access_key: 5 }, { access_key: null }, { access_key: 'ab' }])(
    'a configuration that is none teaches nothing: %j',
    (config) => {
      expect(masked(config, 'ab text 5 null')).toBe('ab text 5 null');
    },
  );

  test('of any characters leaves no form of itself behind', () => {
    const character = fc.constantFrom(...'abcXYZ019|:/+=%&"\\ <>é漢', '\ud83d');
    fc.assert(
      fc.property(fc.string({ unit: character, minLength: 6, maxLength: 40 }), (secret) => {
        const forms = [
          secret,
          encodeURIComponent(secret.toWellFormed()),
          Buffer.from(secret).toString('base64'),
          Buffer.from(secret).toString('base64url'),
          JSON.stringify(secret).slice(1, -1),
        ];
        const said = masked({ access_key: secret }, forms.map((form) => `[${form}]`).join('\n'));
        expect(said.split('\n').every((line) => /^\[\**\]$/.test(line))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
