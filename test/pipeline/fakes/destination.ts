/**
 * A destination that writes what it is given to a file and echoes every state. Its configuration is a `FakeDestination`.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface FakeDestination {
  /** A file that receives the lines. */
  received: string;
  /** What check answers; default: that all is well. */
  failure?: string;
  /** Exits with this code instead of reading line number `at` (from 0). */
  die?: { at: number; code: number };
  /** Milliseconds of waiting before each line. */
  slow?: number;
  /** Echoes no state. */
  mute?: boolean;
  /** Lines to write before anything else. */
  lines?: string[];
  /** A file that receives the catalog. */
  seen?: string;
}

const [verb, ...args] = process.argv.slice(2);
const file = (name: string): string => readFileSync(args[args.indexOf(name) + 1] ?? '', 'utf8');
const config = JSON.parse(file('--config')) as FakeDestination;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

if (verb === 'check') {
  const status = config.failure === undefined ? 'SUCCEEDED' : 'FAILED';
  say(JSON.stringify({ type: 'CONNECTION_STATUS', connectionStatus: { status, message: config.failure } }));
} else {
  writeFileSync(config.received, '');
  if (config.seen) writeFileSync(config.seen, file('--catalog'));
  for (const line of config.lines ?? []) say(line);
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    if (config.slow) await new Promise((resolve) => setTimeout(resolve, config.slow));
    if (number++ === config.die?.at) process.exit(config.die.code);
    appendFileSync(config.received, `${line}\n`);
    if (!config.mute && /^\{"type": ?"STATE"/.test(line)) say(line);
  }
}
