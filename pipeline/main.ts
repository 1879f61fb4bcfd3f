#!/usr/bin/env node
/** `npm run sync`: discover, choose, run. What it takes is in options.ts. */
import { readFile } from 'node:fs/promises';
import { check, discover } from './ask.ts';
import { configure } from './catalog.ts';
import { HELP, parseOptions, UsageError } from './options.ts';
import type { Options } from './options.ts';
import { count, showOnStderr, summary } from './report.ts';
import { startSync } from './run.ts';
import type { Sync } from './run.ts';
import { StateFile } from './states.ts';

/** Milliseconds between two lines of progress. */
const PROGRESS = 5_000;

async function sync(options: Options): Promise<boolean> {
  await Promise.all([mustBeJson(options.sourceConfig), mustBeJson(options.destinationConfig)]);
  const states = await StateFile.load(options.state);
  const show = showOnStderr;
  const source = { name: 'source', command: options.source, config: options.sourceConfig, show } as const;
  const destination = {
    name: 'destination',
    command: options.destination,
    config: options.destinationConfig,
    show,
  } as const;
  const [found] = await Promise.all([discover(source), check(destination)]);

  const { streams, mode, fullRefresh } = options;
  // Any number that grows does; the second of the start needs no memory.
  const refresh = fullRefresh ? { refresh: Math.floor(Date.now() / 1000) } : {};
  const catalog = configure(found, { ...(streams ? { streams } : {}), mode, ...refresh });
  const replaces = fullRefresh || mode === 'overwrite';
  if (replaces) {
    // Before anything is cleared: a run that is cut off must not leave a state that speaks of documents that are gone.
    states.forget(catalog.streams.map(({ stream }) => stream));
    await states.save();
  }

  const started = performance.now();
  const running = await startSync({ ...options, catalog, states, saveAtEnd: replaces, show });
  const timer = setInterval(() => {
    const { read, committed } = running.progress;
    show('sync', `${count(read)} records read, ${count(committed)} committed`);
  }, PROGRESS);
  const forgetSignals = stopOnSignals(running);
  const outcome = await running.outcome.finally(() => {
    clearInterval(timer);
    forgetSignals();
  });
  process.stdout.write(summary(outcome, (performance.now() - started) / 1000, states.path, replaces));
  return outcome.failures.length === 0;
}

async function mustBeJson(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new Error(`The configuration file ${path} cannot be read: ${error.message}`);
  });
  try {
    JSON.parse(text);
  } catch {
    // The parser's own message would quote the text, and the text holds a key.
    throw new Error(`The configuration file ${path} is not JSON.`);
  }
}

/** The first signal lets the destination commit what it has been given; a second one ends everything at once. */
function stopOnSignals(running: Sync): () => void {
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const stop = (): void => {
      if (running.source.stopped) {
        running.source.child.kill('SIGKILL');
        running.destination.child.kill('SIGKILL');
      }
      running.stop(`stopped by ${signal}`);
    };
    process.on(signal, stop);
    return () => process.off(signal, stop);
  });
  return () => {
    for (const off of listeners) off();
  };
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else if (!(await sync(options))) process.exitCode = 1;
} catch (error) {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  const hint = error instanceof UsageError ? '\nnpm run sync -- --help explains what there is.' : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${hint}\n`);
}
