/**
 * `npm run bench`: how fast the connectors are, as ratios to limits that are measured in the same run. Absolute figures depend on the
 * machine and on what else it does; ratios of medians of alternating rounds hold. See docs/performance.md.
 */
import { parseArgs } from 'node:util';
import os from 'node:os';
import { VERSION } from '../shared/connector/version.ts';
import { coldStart } from './sections/cold-start.ts';
import { destinationThroughput } from './sections/destination.ts';
import { latency } from './sections/latency.ts';
import { memory } from './sections/memory.ts';
import { requests } from './sections/requests.ts';
import { sourceThroughput } from './sections/source.ts';
import { withWorkspace } from './workspace.ts';

const SECTIONS = {
  source: sourceThroughput,
  destination: destinationThroughput,
  start: coldStart,
  memory,
  latency,
  requests,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, help: { type: 'boolean', default: false } },
});

if (values.help || positionals.some((name) => !(name in SECTIONS))) {
  console.log(`usage: npm run bench -- [${Object.keys(SECTIONS).join('|')} …] [--rounds N]`);
  process.exitCode = values.help ? 0 : 2;
} else {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  console.log(
    `${os.cpus().length} x ${cpu}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, ${os.type()} ${os.release()}; Node ${process.version}; connectors ${VERSION}`,
  );
  console.log(
    `Load before: ${os
      .loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}. Each figure is the median of ${values.rounds} rounds.`,
  );
  await withWorkspace(async (workspace) => {
    for (const [name, section] of Object.entries(SECTIONS)) {
      if (positionals.length === 0 || positionals.includes(name)) await section(workspace, Number(values.rounds));
    }
  });
}
