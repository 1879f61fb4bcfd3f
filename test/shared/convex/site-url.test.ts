import { describe, expect, test } from 'vitest';
import { AddressError, httpActionAddress } from '../../../shared/convex/addresses.ts';

const CLOUD = 'https://happy-otter-123.convex.cloud';
const OWN = 'http://127.0.0.1:3210';

describe('where an HTTP action is', () => {
  test.each<[text: string, origin: string, expected: string]>([
    ['/arrived', CLOUD, 'https://happy-otter-123.convex.site /arrived'],
    [' /a/b?c=1&d=%20 ', CLOUD, 'https://happy-otter-123.convex.site /a/b?c=1&d=%20'],
    ['/ä b', CLOUD, 'https://happy-otter-123.convex.site /%C3%A4%20b'],
    ['/', 'https://happy-otter-123.eu-west-1.convex.cloud', 'https://happy-otter-123.eu-west-1.convex.site /'],
    ['https://happy-otter-123.convex.site/arrived', CLOUD, 'https://happy-otter-123.convex.site /arrived'],
    ['https://hooks.example.com/x', CLOUD, 'https://hooks.example.com /x'],
    ['http://127.0.0.1:3211/arrived', OWN, 'http://127.0.0.1:3211 /arrived'],
    ['HTTPS://Example.com', OWN, 'https://example.com /'],
  ])('%j of %s', (text, origin, expected) => {
    const address = httpActionAddress(text, origin);
    expect(`${address.origin} ${address.path}`).toBe(expected);
  });

  test.each<[text: string, origin: string, reason: string]>([
    ['', CLOUD, 'is given by its path, such as /arrived'],
    ['arrived', CLOUD, 'is given by its path, such as /arrived'],
    ['ftp://x/y', CLOUD, 'is given by its path, such as /arrived'],
    ['https://', CLOUD, 'has no valid URL'],
    ['/arrived', OWN, 'cannot be told from its address'],
    [
      'https://happy-otter-123.convex.cloud/arrived',
      CLOUD,
      'its HTTP actions are at https://happy-otter-123.convex.site. Give their path alone.',
    ],
    ['http://happy-otter-123.convex.site/arrived', CLOUD, 'Use https://happy-otter-123.convex.site.'],
    ['http://happy-otter-123.convex.site./arrived', CLOUD, 'Use https://happy-otter-123.convex.site.'],
    ['https://me:secret@example.com/x', CLOUD, 'contains a user name or a password'],
  ])('%j of %s is refused', (text, origin, reason) => {
    const refuse = () => httpActionAddress(text, origin);
    expect(refuse).toThrow(AddressError);
    expect(refuse).toThrow(reason);
  });

  test('not by http where the platform runs for others', () => {
    expect(() => httpActionAddress('http://example.com/x', OWN, { cloudOnly: true })).toThrow('uses http');
  });

  test('what could be a secret is not repeated', () => {
    expect(() => httpActionAddress('prod:happy-otter-123|c2VjcmV0', CLOUD)).toThrow(/^(?!.*c2VjcmV0)/);
    expect(() => httpActionAddress('https://me:hunter2@example.com/x', CLOUD)).toThrow(/^(?!.*hunter2)/);
  });
});
