import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RequestBody } from '../../destination-convex/request-body.ts';
import { Progress } from '../../destination-convex/progress.ts';
import { planStreams } from '../../destination-convex/streams.ts';
import type { Log } from '../../shared/core/log.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { append, catalogOf } from './setup.ts';

const streams = planStreams((catalogOf([append('a'), append('b')]) as { streams: ConfiguredAirbyteStream[] }).streams);
const request = (a: number, b: number) =>
  ({
    bytes: 1_000_000,
    streams: new Map([[streams[0], a], ...(b > 0 ? [[streams[1], b] as const] : [])]),
  }) as unknown as RequestBody;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a line each minute has the records written, their rate and the waiting times', async () => {
  const lines: string[] = [];
  const progress = new Progress({ info: (line: string) => lines.push(line) } as unknown as Log);
  progress.sent(request(600, 60));
  const waiting = progress.waitFor('convex', new Promise((resolve) => setTimeout(resolve, 15_000)));
  await vi.advanceTimersByTimeAsync(15_000);
  await waiting;
  await vi.advanceTimersByTimeAsync(45_000);
  progress.sent(request(1200, 0));
  await vi.advanceTimersByTimeAsync(60_000);
  await vi.advanceTimersByTimeAsync(60_000);
  for (let n = 0; n < 5; n++) progress.refused(streams[0]!);
  progress.close();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(lines).toEqual([
    'Written so far: a: 600 (10/s), b: 60 (1/s). Waited 0 % of the time for the source, 25 % for Convex.',
    'Written so far: a: 1,800 (20/s). Waited 0 % of the time for the source, 0 % for Convex.',
    'Nothing was written in the last minute. Waited 0 % of the time for the source, 0 % for Convex.',
    'Records written: a: 1,795, b: 60. 1,855 in all, in 180.0 s (10/s, 0.0 MB/s, 2 requests). Waited 0 % of the time for the source, 8 % for Convex.',
  ]);
});

test('a line names a limited number of streams', () => {
  const lines: string[] = [];
  const many = planStreams(
    (catalogOf(Array.from({ length: 30 }, (_, n) => append(`s${n}`))) as { streams: ConfiguredAirbyteStream[] })
      .streams,
  );
  const progress = new Progress({ info: (line: string) => lines.push(line) } as unknown as Log);
  progress.sent({ bytes: 1, streams: new Map(many.map((stream) => [stream, 1])) });
  progress.close();
  expect(lines[0]).toContain('s19: 1 and 10 more. 30 in all');
});
