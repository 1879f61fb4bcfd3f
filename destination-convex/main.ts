#!/usr/bin/env node
import { run } from '../shared/airbyte/run.ts';
import type { ConnectorSpecification } from '../shared/airbyte/protocol.generated.ts';
import specification from '../spec/destination-convex.json' with { type: 'json' };
import type { DestinationConfig } from './config.generated.ts';

await run<DestinationConfig>({
  name: 'destination-convex',
  specification: specification as ConnectorSpecification,
  check: async (config, context) => (await import('./check.ts')).check(config, context),
  write: async (config, streams, input, context) => (await import('./write.ts')).write(config, streams, input, context),
});
