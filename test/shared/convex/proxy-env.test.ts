import { expect, test } from 'vitest';
import { proxySetting } from '../../../shared/convex/proxy-env.ts';

test.each<[protocol: string, env: NodeJS.ProcessEnv, expected: unknown]>([
  ['https:', {}, undefined],
  ['https:', { HTTP_PROXY: 'http://a:1' }, undefined],
  ['https:', { HTTPS_PROXY: '' }, undefined],
  ['https:', { HTTPS_PROXY: 'http://a:1' }, { variable: 'HTTPS_PROXY', address: 'a:1', heeded: true }],
  [
    'https:',
    { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2' },
    { variable: 'https_proxy', address: 'b:2', heeded: true },
  ],
  ['http:', { HTTP_PROXY: 'http://me:secret@a' }, { variable: 'HTTP_PROXY', address: 'a:80', heeded: true }],
  [
    'http:',
    { HTTP_PROXY: 'https://me:secret@[::1]/x' },
    { variable: 'HTTP_PROXY', address: '[::1]:443', heeded: true },
  ],
  ['https:', { HTTPS_PROXY: 'me:secret@a:1' }, { variable: 'HTTPS_PROXY', address: 'a:1', heeded: false }],
  ['https:', { HTTPS_PROXY: 'socks5://me:secret@a:1' }, { variable: 'HTTPS_PROXY', address: 'a:1', heeded: false }],
  ['https:', { HTTPS_PROXY: 'http://me:secret@a:port' }, { variable: 'HTTPS_PROXY', address: undefined, heeded: true }],
])('%s %j', (protocol, env, expected) => {
  expect(proxySetting(protocol, env)).toEqual(expected);
});
