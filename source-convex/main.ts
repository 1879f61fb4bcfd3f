#!/usr/bin/env node
import { run } from '../shared/airbyte/run.ts';
import specification from '../spec/source-convex.json' with { type: 'json' };
import type { SourceConfig } from './config.generated.ts';

await run<SourceConfig>({
  name: 'source-convex',
  specification: specification,
  check: async (config, context) => (await import('./verbs.ts')).check(config, context),
  discover: async (config, context) => (await import('./verbs.ts')).discover(config, context),
  read: async (config, streams, states, context) => (await import('./verbs.ts')).read(config, streams, states, context),
});
