#!/usr/bin/env node
/** `npm run sync`: discover, choose, run. What it takes is in options.ts. */
import { readFile } from 'node:fs/promises';
import { check, discover } from './ask.ts';
import { configure } from './catalog.ts';
import { HELP, parseOptions, UsageError } from './options.ts';
import type { Options } from './options.ts';
import { startLive } from './live.ts';
import { finalTable } from './live-layout.ts';
import { count, showOnStderr, summary } from './report.ts';
import { failedResult, result } from './result.ts';
import { startSync } from './run.ts';
import type { Sync } from './run.ts';
import { onEndSignals } from './signals.ts';
import { StateFile } from './states.ts';

async function sync(options: Options): Promise<boolean> {
  await Promise.all([mustBeJson(options.sourceConfig), mustBeJson(options.destinationConfig)]);
  const states = await StateFile.load(options.state);
  // Lines are printed above the live area while there is one.
  let show = showOnStderr;
  const say = (who: string, text: string): void => {
    show(who, text);
  };
  const source = { name: 'source', command: options.source, config: options.sourceConfig, show: say } as const;
  const destination = {
    name: 'destination',
    command: options.destination,
    config: options.destinationConfig,
    show: say,
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
  const running = await startSync({ ...options, catalog, states, saveAtEnd: replaces, show: say });
  const { progress } = running;
  const live = startLive(running.streams, () => {
    showOnStderr('sync', `${count(progress.read)} records read, ${count(progress.committed)} committed`);
  });
  show = live.show;
  const forgetSignals = stopOnSignals(running);
  const outcome = await running.outcome.finally(() => {
    show = showOnStderr;
    live.end();
    forgetSignals();
  });
  const seconds = (performance.now() - started) / 1000;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result(outcome, seconds, states.path, replaces))}\n`);
  } else {
    const saved = !replaces || outcome.failures.length === 0;
    const columns = process.stdout.isTTY ? process.stdout.columns : Infinity;
    process.stdout.write(`${finalTable(outcome.streams, saved, columns)}\n`);
    process.stdout.write(summary(outcome, seconds, states.path, replaces));
  }
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
  return onEndSignals((signal) => {
    if (running.source.stopped) {
      running.source.child.kill('SIGKILL');
      running.destination.child.kill('SIGKILL');
    }
    running.stop(`stopped by ${signal}`);
  });
}

let json = false;
try {
  const options = parseOptions(process.argv.slice(2));
  json = options?.json ?? false;
  if (options === undefined) process.stdout.write(HELP);
  else if (!(await sync(options))) process.exitCode = 1;
} catch (error) {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  const hint = error instanceof UsageError ? '\nnpm run sync -- --help explains what there is.' : '';
  const message = error instanceof Error ? error.message : String(error);
  // Whoever reads the result reads why there was no sync, too.
  if (json) process.stdout.write(`${JSON.stringify(failedResult(message))}\n`);
  process.stderr.write(`${message}${hint}\n`);
}
