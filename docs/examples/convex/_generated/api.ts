/** In an app, `npx convex dev` writes this file. It stands here so that the examples can be compiled and tested. */
import { anyApi, type ApiFromModules, type FilterApi, type FunctionReference } from 'convex/server';
import type * as orders from '../orders.js';
import type * as sync from '../sync.js';

type Everything = ApiFromModules<{ orders: typeof orders; sync: typeof sync }>;

export const internal = anyApi as unknown as FilterApi<
  Everything,
  FunctionReference<'query' | 'mutation' | 'action', 'internal'>
>;
