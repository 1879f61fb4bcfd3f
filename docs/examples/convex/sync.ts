import { v } from 'convex/values';
import { internal } from './_generated/api.js';
import { internalAction, internalMutation } from './_generated/server.js';

/** What the destination says after a sync. */
const summary = {
  syncId: v.union(v.string(), v.null()),
  runId: v.string(),
  startedAt: v.number(),
  finishedAt: v.number(),
  records: v.number(),
  streams: v.array(
    v.object({
      name: v.string(),
      namespace: v.union(v.string(), v.null()),
      table: v.string(),
      mode: v.string(),
      records: v.number(),
      rejected: v.number(),
    }),
  ),
};

/** Notes that data has arrived. Called at least once for each sync: what has been noted is not noted again. */
export const arrived = internalMutation({
  args: summary,
  handler: async (ctx, { syncId, runId, finishedAt, records, streams }) => {
    const known = await ctx.db
      .query('syncs')
      .withIndex('by_runId', (q) => q.eq('runId', runId))
      .unique();
    if (known !== null || records === 0) return;
    const tables = streams.filter((stream) => stream.records > 0).map(({ table }) => table);
    await ctx.db.insert('syncs', { syncId, runId, finishedAt, records, tables });
    // Here is the place to react: ctx.scheduler.runAfter(0, internal.reports.rebuild, { tables });
  },
});

/** The same by an action, which may also call other services. */
export const announce = internalAction({
  args: summary,
  handler: async (ctx, args) => {
    await ctx.runMutation(internal.sync.arrived, args);
    // await fetch('https://chat.example.com/hooks/…', { method: 'POST', body: `${args.records} records have arrived` });
  },
});
