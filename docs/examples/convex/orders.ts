import { paginationOptsValidator } from 'convex/server';
import { v } from 'convex/values';
import { internalQuery, query } from './_generated/server.js';

/**
 * The open orders of a region, with the names of their customers: a view that no table holds. Public, so a query stream needs no key for it;
 * check `ctx.auth.getUserIdentity()` here if not everybody may see it.
 */
export const open = query({
  args: { region: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { region, paginationOpts }) => {
    const result = await ctx.db
      .query('orders')
      .withIndex('by_region_and_status', (q) => q.eq('region', region).eq('status', 'open'))
      .paginate(paginationOpts);
    const page = await Promise.all(
      result.page.map(async (order) => ({
        ...order,
        customerName: (await ctx.db.get(order.customer))?.name ?? null,
      })),
    );
    return { ...result, page };
  },
});

/** Milliseconds to look back: `updatedAt` is the time when a mutation began, and one that took longer may have committed after a later one. */
const MARGIN = 60_000;

/** The orders that were changed since a time. Internal: only a deploy key can call it. */
export const changed = internalQuery({
  args: { since: v.optional(v.number()), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { since, paginationOpts }) =>
    ctx.db
      .query('orders')
      .withIndex('by_updatedAt', (q) => (since === undefined ? q : q.gte('updatedAt', since - MARGIN)))
      .paginate(paginationOpts),
});
