import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { Folder } from '../support/folder.ts';
import { startConnector } from '../support/process.ts';
import { catalogOf, type Wanted } from './setup.ts';

/** What the destination may use, in bytes, whatever it is sent. */
export const MEMORY_LIMIT = 256 * 1024 * 1024;

/** Listens on a free port; resolves when it does. */
export async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/**
 * Runs `write` against a stand-in for a deployment, with the pace that the connector takes lines at. Resolves, after a success, to the lines
 * of its output and the most memory that it used, in bytes.
 */
export async function measuredWrite(
  server: Server,
  streams: readonly Wanted[],
  lines: Iterable<Buffer | string>,
  config: Record<string, unknown> = {},
): Promise<{ lines: string[]; peak: number }> {
  const folder = new Folder();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const whole = { deployment_url: url, access_key: 'prod:x-y-1|0123456789', ...config };
  const files = [
    ...['--config', folder.write('config.json', whole)],
    ...['--catalog', folder.write('catalog.json', catalogOf(streams))],
  ];
  const running = startConnector('destination-convex', ['write', ...files]);
  const { stdin } = running.child;
  for (const line of lines) if (!stdin.write(line)) await new Promise((resolve) => stdin.once('drain', resolve));
  stdin.end();
  const finished = await running.finished;
  folder.remove();
  expect(finished.code, finished.lines.join('\n').slice(-3_000)).toBe(0);
  // Where there is no /proc, nothing has been measured: then this is no test.
  expect(running.peak).toBeGreaterThan(0);
  return { lines: finished.lines, peak: running.peak };
}
