/**
 * A source that says what its configuration tells it to say. Usage: as any source; the configuration is a `FakeSource`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';

export interface FakeSource {
  /** What discover answers. */
  catalog?: unknown;
  /** Lines of read, written as they are, a newline after each; an array is repeated: [times, line]. */
  lines?: (string | [times: number, line: string])[];
  /** Text after the last line, without a newline. */
  tail?: string;
  stderr?: string;
  /** How read ends; default: exit code 0. */
  end?: { code?: number; signal?: NodeJS.Signals; hang?: boolean };
  /** A file that receives the arguments, the catalog and the state that read got. */
  seen?: string;
}

const [verb, ...args] = process.argv.slice(2);
const argument = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args[at + 1];
};
const file = (name: string): string | undefined => {
  const path = argument(name);
  return path === undefined ? undefined : readFileSync(path, 'utf8');
};
const config = JSON.parse(file('--config') ?? '{}') as FakeSource;
const { stdout } = process;
// The reader has gone: what a source does then is to end quietly.
stdout.on('error', () => process.exit(0));

async function say(text: string): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain');
}

if (config.stderr) process.stderr.write(config.stderr);
if (verb === 'discover') {
  for (const line of config.catalog === undefined ? (config.lines ?? []) : []) await say(`${String(line)}\n`);
  if (config.catalog !== undefined) await say(`${JSON.stringify({ type: 'CATALOG', catalog: config.catalog })}\n`);
} else {
  if (config.seen)
    writeFileSync(config.seen, JSON.stringify({ verb, catalog: file('--catalog'), state: file('--state') }));
  for (const line of config.lines ?? []) {
    const [times, text] = typeof line === 'string' ? [1, line] : line;
    for (let i = 0; i < times; i++) await say(`${text}\n`);
  }
  if (config.tail) await say(config.tail);
}
const { code = 0, signal, hang = false } = config.end ?? {};
if (hang && verb === 'read') setInterval(() => undefined, 1000);
else if (signal && verb === 'read') process.kill(process.pid, signal);
else process.exitCode = code;
