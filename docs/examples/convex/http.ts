import { httpRouter } from 'convex/server';
import { internal } from './_generated/api.js';
import { httpAction } from './_generated/server.js';

const http = httpRouter();

/** The same again as an HTTP action: the destination needs no permission to call functions, only this secret. */
http.route({
  path: '/arrived',
  method: 'POST',
  handler: httpAction(async (ctx, request) => {
    const secret = process.env['ARRIVED_SECRET'];
    if (secret === undefined || request.headers.get('authorization') !== `Bearer ${secret}`)
      return new Response(null, { status: 401 });
    await ctx.runMutation(internal.sync.arrived, (await request.json()) as (typeof internal.sync.arrived)['_args']);
    return new Response(null, { status: 204 });
  }),
});

export default http;
