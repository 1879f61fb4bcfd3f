/** HTTP actions of the emulated deployment, at an address of their own. */
import { httpActionGeneric, httpRouter, mutationGeneric, makeFunctionReference } from 'convex/server';
import { v } from 'convex/values';
import { expect, test } from 'vitest';
import { functionsOf } from '../../../emulator/index.ts';
import { deploy, rows } from '../client.ts';

test('a handler gets the request and the context of an action, and answers as it likes', async () => {
  const emulator = await deploy({
    functions: { 'notes:add': { type: 'mutation', handler: (ctx, args: object) => ctx.db.insert('notes', args) } },
    httpActions: {
      'POST /notes': async (ctx, request) => {
        if (request.headers.get('authorization') !== 'Bearer sesame') return new Response('no', { status: 401 });
        await ctx.runMutation('notes:add', (await request.json()) as object);
        return Response.json({ query: new URL(request.url).search }, { status: 201 });
      },
      'GET /files/*': (_ctx, request) => new Response(new URL(request.url).pathname),
      'POST /boom': () => {
        throw new Error('boom');
      },
    },
  });
  const ask = (method: string, path: string, body?: string, headers = {}) =>
    fetch(emulator.siteUrl + path, { method, headers, ...(body === undefined ? {} : { body }) });
  const added = await ask('POST', '/notes?a=1', '{"text":"hello"}', { authorization: 'Bearer sesame' });
  expect([added.status, await added.json()]).toEqual([201, { query: '?a=1' }]);
  expect(rows(emulator, 'notes')).toEqual([{ text: 'hello' }]);
  expect((await ask('POST', '/notes', '{}')).status).toBe(401);
  expect(await (await ask('GET', '/files/a/b')).text()).toBe('/files/a/b');
  const missing = await ask('GET', '/nope');
  expect([missing.status, await missing.text()]).toEqual([404, 'No matching routes found']);
  const failed = await ask('POST', '/boom');
  expect(failed.status).toBe(500);
  expect(await failed.text()).toMatch(
    /^\{"code":"\[Request ID: [0-9a-f]{16}\] Server Error: Uncaught Error: boom","trace":"Uncaught Error: boom\\n"\}$/,
  );
  expect(emulator.journal.of(/^\/(notes|boom)/).map(({ path, status }) => `${path} ${status}`)).toEqual([
    '/notes 201',
    '/notes 401',
    '/boom 500',
  ]);
});

test('the functions and the router of the npm package serve as they are', async () => {
  const add = mutationGeneric({
    args: { text: v.string() },
    handler: async (ctx, { text }) => ctx.db.insert('notes', { text }),
  });
  const http = httpRouter();
  http.route({
    path: '/notes',
    method: 'POST',
    handler: httpActionGeneric(async (ctx, request) => {
      await ctx.runMutation(makeFunctionReference<'mutation'>('notes:add'), await request.json());
      return new Response(null, { status: 204 });
    }),
  });
  const emulator = await deploy({ functions: functionsOf({ notes: { add, notAFunction: 1 } }), httpActions: http });
  const posted = await fetch(`${emulator.siteUrl}/notes`, { method: 'POST', body: '{"text":"hello"}' });
  expect([posted.status, await posted.text()]).toEqual([204, '']);
  expect(rows(emulator, 'notes')).toEqual([{ text: 'hello' }]);
  const wrong = await fetch(`${emulator.siteUrl}/notes`, { method: 'POST', body: '{"text":1}' });
  expect(wrong.status).toBe(500);
  expect(await wrong.text()).toContain('ArgumentValidationError: Value does not match validator.');
});

test('a deployment without any says so', async () => {
  const emulator = await deploy();
  const answer = await fetch(`${emulator.siteUrl}/notes`, { method: 'POST' });
  expect([answer.status, await answer.text()]).toEqual([
    404,
    'This Convex deployment does not have HTTP actions enabled.',
  ]);
});
