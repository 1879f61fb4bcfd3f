import { defineSchema, defineTable } from 'convex/server';
import { v } from 'convex/values';

export default defineSchema({
  customers: defineTable({ name: v.string() }),

  orders: defineTable({
    customer: v.id('customers'),
    region: v.string(),
    status: v.union(v.literal('open'), v.literal('shipped')),
    total: v.number(),
    /** Set to Date.now() by every mutation that changes the order. */
    updatedAt: v.number(),
  })
    .index('by_region_and_status', ['region', 'status'])
    .index('by_updatedAt', ['updatedAt']),

  /** What the destination has told of its syncs. */
  syncs: defineTable({
    syncId: v.union(v.string(), v.null()),
    runId: v.string(),
    finishedAt: v.number(),
    records: v.number(),
    tables: v.array(v.string()),
  }).index('by_runId', ['runId']),
});
