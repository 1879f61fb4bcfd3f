#!/usr/bin/env node
import { run } from '../shared/airbyte/run.ts';
import specification from '../spec/source-convex.json' with { type: 'json' };
import type { SourceConfig } from './config.generated.ts';

await run<SourceConfig>({
  name: 'source-convex',
  specification: specification,
  check: async (config, context) => (await import('./check.ts')).check(config, context),
  discover: async (config, context) => (await import('./discover.ts')).discover(config, context),
  read: async (config, streams, states, context) => (await import('./read.ts')).read(config, streams, states, context),
});
