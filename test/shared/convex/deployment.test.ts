import { describe, expect, test } from 'vitest';
import { AddressError, deploymentName, deploymentOrigin } from '../../../shared/convex/addresses.ts';

describe('a URL that is taken', () => {
  test.each([
    ['https://happy-otter-123.convex.cloud', 'https://happy-otter-123.convex.cloud'],
    ['https://happy-otter-123.convex.cloud/', 'https://happy-otter-123.convex.cloud'],
    ['https://happy-otter-123.convex.cloud///', 'https://happy-otter-123.convex.cloud'],
    ['  https://happy-otter-123.convex.cloud\n', 'https://happy-otter-123.convex.cloud'],
    ['HTTPS://Happy-Otter-123.Convex.Cloud', 'https://happy-otter-123.convex.cloud'],
    ['https://happy-otter-123.convex.cloud:443', 'https://happy-otter-123.convex.cloud'],
    ['https://happy-otter-123.eu-west-1.convex.cloud', 'https://happy-otter-123.eu-west-1.convex.cloud'],
    ['https://api.example.com', 'https://api.example.com'],
    ['http://127.0.0.1:3210', 'http://127.0.0.1:3210'],
    ['http://localhost:3210/', 'http://localhost:3210'],
    ['http://[::1]:3210', 'http://[::1]:3210'],
    ['http://backend:3210', 'http://backend:3210'],
    // S13: a host of the cloud without a scheme, and the dot of a fully qualified name.
    ['happy-otter-1.convex.cloud', 'https://happy-otter-1.convex.cloud'],
    [' Happy-Otter-1.EU-West-1.convex.cloud./ ', 'https://happy-otter-1.eu-west-1.convex.cloud'],
    ['https://happy-otter-1.convex.cloud.', 'https://happy-otter-1.convex.cloud'],
    ['https://happy-otter-1.convex.cloud.:443/', 'https://happy-otter-1.convex.cloud'],
    ['http://backend.example.com.:3210', 'http://backend.example.com:3210'],
  ])('%j', (text, origin) => {
    expect(deploymentOrigin(text)).toBe(origin);
  });
});

describe('a URL that is refused, with what to do', () => {
  const EXAMPLE = 'It should look like https://happy-otter-123.convex.cloud.';
  test.each([
    ['', `The deployment URL is empty. ${EXAMPLE}`],
    ['  ', `The deployment URL is empty. ${EXAMPLE}`],
    ['happy-otter-123', `The deployment URL does not start with https://. ${EXAMPLE}`],
    ['//happy-otter-123.convex.cloud', `The deployment URL does not start with https://. ${EXAMPLE}`],
    ['wss://happy-otter-123.convex.cloud', `The deployment URL does not start with https://. ${EXAMPLE}`],
    ['https://', `The deployment URL is not a URL. ${EXAMPLE}`],
    ['https://a b', `The deployment URL is not a URL. ${EXAMPLE}`],
    ['https://a:99999', `The deployment URL is not a URL. ${EXAMPLE}`],
    [
      'https://dashboard.convex.dev/d/happy-otter-123',
      `The deployment URL is the address of the Convex dashboard. Use the URL of the deployment, which the dashboard shows under Settings → URL & Deploy Key. ${EXAMPLE}`,
    ],
    [
      'https://a.convex.cloud/api',
      'The deployment URL has more than a host: leave out everything after https://a.convex.cloud.',
    ],
    [
      'https://a.convex.cloud?x=1',
      'The deployment URL has more than a host: leave out everything after https://a.convex.cloud.',
    ],
    [
      'https://a.convex.cloud#x',
      'The deployment URL has more than a host: leave out everything after https://a.convex.cloud.',
    ],
    [
      'https://a.convex.site',
      'a.convex.site serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://a.convex.cloud.',
    ],
    [
      'http://a.convex.cloud',
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://a.convex.cloud.',
    ],
    [
      'http://a.convex.cloud.',
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://a.convex.cloud.',
    ],
    [
      'http://A.Convex.Cloud.:80/',
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://a.convex.cloud.',
    ],
    [
      'a.convex.site',
      'a.convex.site serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://a.convex.cloud.',
    ],
    [
      'a.convex.cloud/api/list_snapshot',
      'The deployment URL has more than a host: leave out everything after https://a.convex.cloud.',
    ],
    ['localhost:3210', `The deployment URL does not start with https://. ${EXAMPLE}`],
    [
      'https://u:p@a.convex.cloud',
      'The deployment URL contains a user name or a password. The deploy key belongs into the field for the key.',
    ],
  ])('%j', (text, message) => {
    expect(() => deploymentOrigin(text)).toThrow(new AddressError(message));
  });

  test('what cannot be a URL is not repeated: it could be the key', () => {
    for (const text of ['prod:happy-otter-123|secret', 'https://prod:x|secret value']) {
      expect(() => deploymentOrigin(text)).toThrow(expect.not.stringContaining('secret') as Error);
    }
  });

  test('in Airbyte Cloud, http is', () => {
    expect(() => deploymentOrigin('http://backend.example.com:3210', { cloudOnly: true })).toThrow(
      'The deployment URL uses http, which would send the deploy key in the clear. Use https://backend.example.com:3210.',
    );
    expect(deploymentOrigin('https://backend.example.com', { cloudOnly: true })).toBe('https://backend.example.com');
  });
});

describe('the name of a deployment', () => {
  test.each([
    ['happy-otter-123.convex.cloud', 'anything', 'happy-otter-123'],
    ['happy-otter-123.eu-west-1.convex.cloud', 'prod:other-name-1|x', 'happy-otter-123'],
    ['api.example.com', 'prod:happy-otter-123|x', 'happy-otter-123'],
    ['localhost', 'dev:happy-otter-123|x', 'happy-otter-123'],
    ['127.0.0.1', 'convex-self-hosted|x', 'convex-self-hosted'],
    ['127.0.0.1', 'preview:team:project|x', undefined],
    ['127.0.0.1', 'project:team:project|x', undefined],
    ['127.0.0.1', 'no-bar', undefined],
    ['127.0.0.1', '|x', undefined],
    ['convex.cloud', 'no-bar', undefined],
  ])('%s with %s: %s', (hostname, key, name) => {
    expect(deploymentName(hostname, key)).toBe(name);
  });
});
